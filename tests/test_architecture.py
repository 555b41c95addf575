"""The packages have one total order, nothing heavy is imported before it is needed, and files stay short."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.architecture import FILE, LAYERS, picture

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "covid_model"

ORDER = tuple(LAYERS)
"""From top to bottom: a part imports only from itself and from parts below it."""

OUTSIDE = ("streamlit", "ui", "pages")
"""What nothing in covid_model may import."""


def imports(path: Path) -> Iterator[str]:
    """Every module named in an import statement of the file, at any depth, `from package import module` as well."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "covid_model")


def part_of(path: Path) -> str:
    """The part of covid_model that a file belongs to: a package, or a module at its top."""
    place = path.relative_to(PACKAGE)
    return place.parts[0] if len(place.parts) > 1 else place.stem


def test_the_picture_shows_the_order() -> None:
    assert FILE.read_text("utf-8") == picture(), "run `python -m docs.architecture`"


def test_every_part_has_its_place_in_the_order() -> None:
    found = {part_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert found == set(ORDER)


@pytest.mark.parametrize("part", ORDER)
def test_a_part_imports_only_from_parts_below_it(part: str) -> None:
    below = ORDER[ORDER.index(part) :]
    files = [path for path in PACKAGE.rglob("*.py") if part_of(path) == part]
    assert files
    for path in files:
        for name in imports(path):
            assert name.partition(".")[0] not in OUTSIDE, f"{path.relative_to(ROOT)} imports {name}"
            pieces = name.split(".")
            if pieces[0] == "covid_model" and len(pieces) > 1 and pieces[1] in ORDER:
                assert pieces[1] in below, f"{path.relative_to(ROOT)} imports {name}, which is above it"


@pytest.mark.parametrize(("folder", "banned"), [("ui", "pages"), ("pages", "pages")])
def test_the_interface_does_not_import_pages(folder: str, banned: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert all(name.partition(".")[0] != banned for name in imports(path)), path.relative_to(ROOT)


@pytest.mark.parametrize("part", ["plots", "images", "data"])
def test_light_parts_never_import_tensorflow(part: str) -> None:
    for path in (PACKAGE / part).rglob("*.py"):
        assert not {name.partition(".")[0] for name in imports(path)} & {"tensorflow", "keras"}, path.relative_to(ROOT)


def test_figures_are_made_of_plain_results() -> None:
    for path in (PACKAGE / "plots").rglob("*.py"):
        assert not any(name.startswith("covid_model.models.classifier") for name in imports(path)), path.relative_to(ROOT)


def test_the_environment_is_read_in_one_module() -> None:
    for folder in ("covid_model", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            if path != PACKAGE / "settings.py":
                assert "COVID_XRAY_" not in path.read_text("utf-8"), path.relative_to(ROOT)


def test_the_command_line_opens_without_tensorflow() -> None:
    code = "import sys; from covid_model.cli.main import parser; parser(); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_files_stay_short_enough_to_read() -> None:
    for folder in ("covid_model", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text("utf-8").splitlines()) <= 300, path.relative_to(ROOT)
