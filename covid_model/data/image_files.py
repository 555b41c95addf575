"""Which files below a folder are images, and which file the cell of a table refers to.

A file is an image by its content; other files are skipped with a reason that can be counted.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".dcm", ".dicom"})
"""Files with these suffixes count as images even where they are damaged, so that the damage is reported."""
HEAD: Final = 256
"""Number of first bytes by which an image is recognised."""
NO_IMAGES: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
MASKS: Final = ("mask", "masks", "segmentation", "segmentations", "annotation", "annotations")
"""Ends of the names of folders that hold outlines, not images."""


def letters(name: str) -> str:
    """The letters of a name in lower case.

    >>> letters("Images_001")
    'images'
    """
    return re.sub(r"[^a-z]", "", name.lower())


def is_hidden(name: str) -> bool:
    """Is it a name of files that operating systems add?"""
    return name.startswith(".") or name in NO_IMAGES


def is_mask_folder(name: str) -> bool:
    """Does a folder of this name hold outlines instead of images?

    >>> is_mask_folder("Lung-Masks"), is_mask_folder("images")
    (True, False)
    """
    return letters(name).endswith(MASKS)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below `folder` in the order of their paths; links are followed, each folder is visited once."""
    visited: set[tuple[int, int]] = set()
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        seen = Path(place).stat()
        if (seen.st_dev, seen.st_ino) in visited:
            folders.clear()
            continue
        visited.add((seen.st_dev, seen.st_ino))
        found += [Path(place, name) for name in files]
    yield from sorted(found)


def is_image(path: Path) -> bool:
    """Is the file an image, by its name or its first bytes?"""
    from covid_model.images.dicom import has_dicom_mark, starts_like_dicom
    from covid_model.images.raster import FORMATS

    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError:
        return False
    return has_dicom_mark(head) or starts_like_dicom(head) or any(kind.matches(head) for kind in FORMATS)


def why_passed_over(path: Path, root: Path) -> str:
    """Why a file below `root` is not an image, as a category that can be counted; "" for an image."""
    parts = path.relative_to(root).parts
    if any(map(is_hidden, parts)):
        return "hidden files"
    if not path.is_file():
        return "broken links" if path.is_symlink() else "no regular files"
    if any(map(is_mask_folder, parts[:-1])) or letters(path.stem).endswith("mask"):
        return "masks"
    if not is_image(path):
        return f"{path.suffix.lower()} files" if path.suffix else "files without a suffix that are no images"
    return ""


def _plain(text: str) -> str:
    """A path in the form in which paths are compared: one Unicode form, one case, forward slashes."""
    return unicodedata.normalize("NFC", text).casefold().replace("\\", "/")


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


class ImageFinder:
    """Finds the file that the cell of a table refers to.

    Windows separators, another case, another Unicode form, a missing or different suffix and paths of another machine are
    accepted where exactly one file fits.
    """

    def __init__(self, root: Path) -> None:
        """root: the folder below which files are looked for."""
        self.root = root
        self._by_stem: dict[str, list[tuple[str, Path]]] | None = None

    def find(self, text: str) -> Path:
        """The image that `text` refers to; where none or several fit, the path below `root`, which does not exist."""
        first = self.root / text
        if not text or "\0" in text or first.is_file():
            return first
        wanted = _plain(text).split("/")
        stem = _stem(wanted[-1])
        found = [each for key in dict.fromkeys((stem, wanted[-1])) for each in self._index().get(key, [])]
        fits: tuple[Callable[[list[str]], bool], ...] = (
            lambda parts: parts[-len(wanted) :] == wanted,
            lambda parts: [*parts[:-1], _stem(parts[-1])][-len(wanted) :] == [*wanted[:-1], stem],
            lambda parts: parts[-1] == wanted[-1],
            lambda _: True,
        )
        for fit in fits:
            if fitting := {path for plain, path in found if fit(plain.split("/"))}:
                return fitting.pop() if len(fitting) == 1 else first
        return first

    def others(self, named: set[Path]) -> Iterator[Path]:
        """The images below the root that are not in `named`."""
        for each in self._index().values():
            yield from (path for _, path in each if path not in named)

    def _index(self) -> dict[str, list[tuple[str, Path]]]:
        """Name without suffix -> (path below the root in plain spelling, path), read once."""
        if self._by_stem is None:
            self._by_stem = defaultdict(list)
            for path in files_below(self.root):
                if not why_passed_over(path, self.root):
                    plain = _plain(path.relative_to(self.root).as_posix())
                    self._by_stem[_stem(plain.rsplit("/", 1)[-1])].append((plain, path))
        return self._by_stem
