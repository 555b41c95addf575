"""The arrows between the parts run one way, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "covid_model": ("streamlit", "ui", "pages"),
    "covid_model/plots": ("keras", "tensorflow", "covid_model.models.classifier"),
    "covid_model/explain": ("covid_model.training", "covid_model.data", "covid_model.evaluation", "covid_model.audit"),
    "covid_model/audit": ("covid_model.training", "covid_model.cli", "covid_model.share", "covid_model.plots"),
    "covid_model/share": ("covid_model.training", "covid_model.cli"),
    "covid_model/images": ("covid_model.models", "covid_model.data", "covid_model.explain", "tensorflow", "keras"),
    "covid_model/lungs": ("covid_model.data", "covid_model.training", "covid_model.explain", "covid_model.images"),
    "covid_model/input_check": (
        "covid_model.models",
        "covid_model.explain",
        "covid_model.audit",
        "covid_model.build.synthetic",
    ),
    "covid_model/data": ("covid_model.models", "covid_model.training", "tensorflow", "keras"),
    "covid_model/models": ("covid_model.training", "covid_model.evaluation", "covid_model.explain", "covid_model.cli"),
    "covid_model/evaluation": ("covid_model.training", "covid_model.cli"),
    "ui": ("pages",),
    "pages": ("pages",),
}


def imports(path: Path) -> set[str]:
    """Every module named in an import statement of the file, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_arrows_run_one_way(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            for banned in FORBIDDEN[folder]:
                assert name != banned and not name.startswith(banned + "."), f"{path.relative_to(ROOT)} imports {name}"


def test_the_command_line_opens_without_tensorflow() -> None:
    code = "import sys; from covid_model.cli.main import parser; parser(); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_files_stay_short_enough_to_read() -> None:
    for folder in ("covid_model", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text("utf-8").splitlines()) <= 300, path.relative_to(ROOT)
