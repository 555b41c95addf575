"""Lint, format and types are part of the tests, so that one command checks everything."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join)
def test_clean(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shown_texts(path: Path) -> Iterator[str]:
    """Every string of a source file but its docstrings: what may reach a page, a report or a message."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def test_percentages_are_written_in_one_way() -> None:
    texts = [(path, text) for part in ("covid_model", "ui", "pages") for path in (ROOT / part).rglob("*.py")
             for text in shown_texts(path)]  # fmt: skip
    for path in (ROOT / "covid_model" / "share").glob("*.html"):
        texts.append((path, re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", path.read_text("utf-8"))))
    wrong = [f"{path.relative_to(ROOT)}: {text[:60]}" for path, text in texts if re.search(r"\d %(?![\w}])", text)]
    assert not wrong, "write 5%, as the format `.0%` does"


def test_the_dockerfile_is_clean() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.is_file():
        pytest.skip("no hadolint for this machine")
    done = subprocess.run([linter, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
