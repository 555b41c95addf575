"""The licences of dependencies, from metadata that the test writes."""

from pathlib import Path

import pytest

from covid_model.build.licences import Licence, licences
from covid_model.errors import CovidModelError


def install(folder: Path, name: str, *metadata: str) -> None:
    """A package without code, as an installer leaves it."""
    place = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *metadata, "", ""]))


def test_dependencies_of_dependencies_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "drawn-top", "License-Expression: MIT", "Requires-Dist: drawn_base>=1", "Requires-Dist: absent")
    install(tmp_path, "drawn-base", "Classifier: License :: OSI Approved :: BSD License", "Requires-Dist: drawn-top")
    install(tmp_path, "drawn-extra")
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("# a comment\n-r other.txt\ndrawn-top>=1,<2\ndrawn-extra; python_version >= '3'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert licences(wanted) == [
        Licence("drawn-base", "1.0", "BSD License"),
        Licence("drawn-extra", "1.0", "unknown"),
        Licence("drawn-top", "1.0", "MIT"),
    ]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CovidModelError, match=r"absent\.txt cannot be read"):
        licences(tmp_path / "absent.txt")
