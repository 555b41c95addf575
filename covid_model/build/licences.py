"""The licence of every installed dependency, from the packages' own metadata."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from covid_model.errors import CovidModelError


class Licence(NamedTuple):
    """One dependency: its name, installed version and licence as its metadata state it; "unknown" where they state none."""

    name: str
    version: str
    licence: str


def licences(requirements: Path) -> list[Licence]:
    """The licences of what `requirements` names and of everything that those need, by name.

    Packages that are not installed, such as those for another system, are left out. Raises CovidModelError if the file
    cannot be read.
    """
    try:
        lines = requirements.read_text("utf-8").splitlines()
    except OSError:
        raise CovidModelError(f"{requirements} cannot be read; name a requirements file.") from None
    found: dict[str, Licence] = {}
    waiting = [*_named(lines)]
    while waiting:
        needed = waiting.pop()
        key = re.sub(r"[-_.]+", "-", needed.name).lower()
        if key in found or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        try:
            installed = distribution(needed.name)
        except PackageNotFoundError:
            continue
        found[key] = Licence(installed.metadata["Name"], installed.version, _licence(installed))
        waiting += _named(installed.requires or [])
    return [found[key] for key in sorted(found)]


def _named(lines: list[str]) -> Iterator[Requirement]:
    """The requirements among the lines of a file or of a package's metadata."""
    for line in lines:
        try:
            yield Requirement(line.split(" #")[0].strip())
        except InvalidRequirement:  # a comment, an option, an empty line
            continue


def _licence(installed: Distribution) -> str:
    """The SPDX expression, else the classifiers, else the first line of the free text."""

    def stated(field: str) -> list[str]:
        return [str(value).strip() for value in installed.metadata.get_all(field) or []]

    classifiers = [name.rsplit(" :: ", 1)[-1] for name in stated("Classifier") if name.startswith("License ::")]
    text = [value.split("\n")[0] for value in stated("License")]
    return next(filter(None, (*stated("License-Expression"), ", ".join(classifiers), *text)), "unknown")
