"""Addresses of images: paths, and URIs of the file systems that PyArrow knows, such as `file` and `s3`."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from covid_model.errors import DataError, ImageError
from covid_model.images.read import check_bytes, file_bytes, printable

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

COLUMNS: Final = ("address", "path")
"""Names of a table's column of addresses; a manifest has the second."""


def addresses_of(source: str) -> list[str]:
    """The addresses of all images of a source, each once.

    source: a path or URI of one image; of a folder, of which every file counts at any depth, hidden ones left out; or of a
    Parquet file with one row an image and a column `address` or `path`, such as a manifest. Raises DataError where there is
    no such source, where the table has no such column, where it names no image, and for a URI with a password, which every
    row would repeat.
    """
    from pyarrow.fs import FileType

    try:
        if _is_uri(source) and urlsplit(source).password is not None:
            raise DataError("The address holds a password; set it in the environment instead (AWS_SECRET_ACCESS_KEY).")
        files, path = _located(source)
        kind = files.get_file_info(path).type
        if kind == FileType.NotFound:
            raise DataError(f"There is no {printable(source)}; name a folder of images, a Parquet file or an address.")
        if kind == FileType.Directory:
            found = _in_folder(source, files, path)
        else:
            found = _in_table(source, files, path) if path.endswith(".parquet") else [source]
    except (OSError, ValueError) as error:  # PyArrow's errors of files and of formats
        raise DataError(f"{printable(source)} cannot be read; check the address and the right to read it.") from error
    if not found:
        raise DataError(f"{printable(source)} names no image.")
    return list(dict.fromkeys(found))


def read_address(address: str) -> bytes:
    """The bytes of one image file. Raises ImageError where it cannot be read or is too large."""
    if not _is_uri(address):
        return file_bytes(address)
    try:
        files, path = _located(address)
        with files.open_input_file(path) as stream:
            check_bytes(stream.size())
            return bytes(stream.read())
    except FileNotFoundError:
        raise ImageError(f"There is no file {printable(address)}.") from None
    except (OSError, ValueError):
        raise ImageError(f"{printable(address)} cannot be opened; check the address and the right to read it.") from None


def _is_uri(address: str) -> bool:
    return "://" in address


def _located(address: str) -> tuple["FileSystem", str]:
    """The file system of an address, and the path in it. Raises OSError and ValueError."""
    if not _is_uri(address):
        return _file_system("file:///")[0], str(Path(address).absolute())
    parts = urlsplit(address)
    files, root = _file_system(parts._replace(path="/").geturl())
    return files, f"{root.rstrip('/')}/{unquote(parts.path).strip('/')}"


@lru_cache(maxsize=8)
def _file_system(root: str) -> tuple["FileSystem", str]:
    """The file system of a URI without path, and where its paths begin; kept, since some ask a server for it."""
    from pyarrow.fs import FileSystem

    return FileSystem.from_uri(root)


def _in_folder(source: str, files: "FileSystem", path: str) -> list[str]:
    from pyarrow.fs import FileSelector

    listed = files.get_file_info(FileSelector(path, recursive=True))
    inside = sorted(info.path for info in listed if info.is_file and not info.base_name.startswith("."))
    if not _is_uri(source):
        return inside
    parts, start = urlsplit(source), len(path.rstrip("/"))
    return [parts._replace(path=parts.path.rstrip("/") + quote(found[start:])).geturl() for found in inside]


def _in_table(source: str, files: "FileSystem", path: str) -> list[str]:
    import pyarrow.parquet as pq

    with files.open_input_file(path) as stream:
        names = pq.read_schema(stream).names
        column = next((name for name in COLUMNS if name in names), None)
        if column is None:
            raise DataError(f"{printable(source)} has the columns {', '.join(names)}; `address` or `path` would work.")
        cells = pq.read_table(stream, columns=[column])[column].drop_null().to_pylist()
    return [str(cell) for cell in cells]
