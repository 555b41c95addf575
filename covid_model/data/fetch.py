"""Downloads of public sources: resumed after an interruption, checked, and unpacked safely."""

import http.client
import shutil
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tqdm import tqdm

from covid_model import __version__
from covid_model.data.sources import Source
from covid_model.errors import DataError
from covid_model.files import file_sha256

TRIES: Final = 6
PAUSE: Final = 1.0
"""Seconds before the second try; doubled before each further one."""
AT_ONCE: Final = 2
"""Files asked for at the same time: quick enough, and polite."""
TIMEOUT: Final = 30.0
CHUNK: Final = 1 << 18
AGENT: Final = f"xray-explained/{__version__}"
_BROKEN: Final = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Remote:
    """One file to fetch. sha256: hex digest it must have, where one is known."""

    url: str
    name: str
    sha256: str | None = None


def fetch_file(remote: Remote, folder: Path, *, tries: int = TRIES, pause: float = PAUSE, show: bool = True) -> Path:
    """The file in `folder`, downloaded unless it is there already; a partial download is resumed.

    Raises DataError when the address does not answer, answers with an error, or sends other bytes than expected.
    """
    out, part = folder / remote.name, folder / f"{remote.name}.part"
    if out.is_file():
        return _checked(out, remote)
    folder.mkdir(parents=True, exist_ok=True)
    why: object = ""
    for turn in range(tries):
        if turn:
            time.sleep(pause * 2 ** (turn - 1))
        try:
            if _resume(remote, part, show):
                _checked(part, remote)
                part.replace(out)
                return out
            why = "the connection closed early"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the partial file is longer than the remote one, so it is of another file
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise DataError(f"{remote.url} answers {error.code} {error.reason}.") from error
            why = f"{error.code} {error.reason}"
        except _BROKEN as error:
            why = getattr(error, "reason", None) or error
    raise DataError(f"{remote.url} could not be fetched in {tries} tries ({why}); try again later, the download resumes.")


def _resume(remote: Remote, part: Path, show: bool) -> bool:
    """Fetch what is missing of `part`; is it complete now?"""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": AGENT, **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(remote.url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        resumed = response.status == 206
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            part.open("ab" if resumed else "wb") as stream,
            tqdm(total=total, initial=have, desc=remote.name, unit="B", unit_scale=True, disable=not show or None) as bar,
        ):
            while data := response.read(CHUNK):
                stream.write(data)
                bar.update(len(data))
    return total is None or part.stat().st_size == total


def _checked(path: Path, remote: Remote) -> Path:
    if remote.sha256 is not None and (found := file_sha256(path)) != remote.sha256:
        path.unlink()
        raise DataError(f"{remote.name} is not the file expected: sha256 {found[:12]} instead of {remote.sha256[:12]}.")
    return path


def fetch_all(
    remotes: Sequence[Remote], folder: Path, *, tries: int = TRIES, pause: float = PAUSE, show: bool = True
) -> list[Path]:
    """All files in the order of `remotes`, AT_ONCE at a time. Raises DataError for the first that fails, at the end."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda remote: fetch_file(remote, folder, tries=tries, pause=pause, show=show), remotes))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file below `folder`. Raises DataError where it is damaged or would write outside `folder`."""
    try:
        with zipfile.ZipFile(archive) as file:
            inside = [(folder / name).resolve().is_relative_to(folder.resolve()) for name in file.namelist()]
            if not all(inside):
                raise DataError(f"{archive.name} holds paths that lead out of its folder; it is not unpacked.")
            if (bad := file.testzip()) is not None:
                raise DataError(f"{archive.name} is damaged at {bad}; delete it and fetch it again.")
            file.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive.name} cannot be unpacked: {error}; delete it and fetch it again.") from error


def fetch_source(
    source: Source, folder: Path, accept: Callable[[str], bool], *, remotes: Sequence[Remote] | None = None
) -> Path:
    """Download and unpack a source below `folder`; returns its folder. accept: licence text -> is it accepted?

    remotes: addresses instead of those of `source`. Raises DataError for a source that needs an account (with what to do), a
    licence that is not accepted, or a download that fails.
    """
    wanted = remotes if remotes is not None else [Remote(url, f"{source.name}.zip") for url in source.archives]
    if not wanted:
        raise DataError(f"{source.title} cannot be fetched by a program. {source.by_hand} Address: {source.homepage}")
    found = next((folder / name for name in source.folders if (folder / name).is_dir()), None)
    if found is not None:
        return found
    if not accept(f"{source.title}\n{source.homepage}\nLicence: {source.licence}"):
        raise DataError("Nothing was fetched: the licence was not accepted.")
    archives = fetch_all(wanted, folder)
    fresh = folder / f"{source.name}.partial"
    shutil.rmtree(fresh, ignore_errors=True)
    for archive in archives:
        unpack(archive, fresh)
    inner = [path for path in fresh.iterdir() if path.is_dir()]
    out = folder / source.folders[0]
    (inner[0] if len(inner) == 1 and len(list(fresh.iterdir())) == 1 else fresh).replace(out)
    shutil.rmtree(fresh, ignore_errors=True)
    return out
