"""Files that are written completely or not at all."""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def file_sha256(path: Path) -> str:
    """Hex digest of the bytes of a file of any size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_sha256(sources: Iterable[Path], *others: str) -> str:
    """Hex digest of source files, the same with either kind of line end, and of other text that belongs to them."""
    return hashlib.sha256("\0".join([*(path.read_text("utf-8") for path in sources), *others]).encode()).hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it replaces `path` when the block ends without an error, and is removed otherwise.

    Each thread of each process has its own, so that several may write the same file: the last to finish has written it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, written_whole(Path(folder, "a.txt")) as partial:
    ...     partial.name.startswith("a.txt."), partial.suffix
    ...     _ = partial.write_text("all of it")
    (True, '.partial')
    """
    partial = _partial(path)
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is noticed where no name is known
        raise
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise OSError where no file can be written at `path`; called before long work whose result goes there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    partial.touch()
    partial.unlink()


def _partial(path: Path) -> Path:
    """Where this thread writes what becomes `path`. Identifiers of threads are unique among all processes of a machine."""
    return path.with_name(f"{path.name}.{threading.get_native_id()}.partial")


def remove_partials(path: Path) -> None:
    """Remove what killed processes left half-written of `path`. For callers that let nobody else write it meanwhile."""
    for left in path.parent.glob(f"{escape(path.name)}.*.partial"):
        left.unlink(missing_ok=True)


def write_arrays(path: Path, arrays: Mapping[str, "NDArray[Any]"]) -> None:
    """Write named arrays as a compressed .npz file, whole."""
    import numpy as np

    with written_whole(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> "dict[str, NDArray[Any]]":
    """The arrays of an .npz file by name. Raises OSError, or ValueError for a damaged file."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def write_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Write `content` as JSON, completely or not at all. indent: spaces, or None for one line.

    Raises ValueError for numbers that JSON does not have (NaN, infinity).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder, "a.json"), {"value": 1}, indent=None)
    ...     Path(folder, "a.json").read_text("utf-8")
    '{"value": 1}\\n'
    """
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
