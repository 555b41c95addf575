"""`card` writes the model card and checklist of a shipped model."""

from pathlib import Path

import pytest

from covid_model.cli.main import main
from covid_model.evaluation.stored import SHIPPED


def test_a_card_of_a_shipped_model_has_its_checklist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "--model", "lungs", "--out", str(tmp_path / "new")]) == 0
    text = (tmp_path / "new" / "model_card.md").read_text("utf-8")
    assert "| CLAIM 2024 | TRIPOD+AI | item | state | answer |" in text
    assert "| 1 | 1 | Title names the method | reported |" in text
    assert "<h2>Checklist</h2>" in (tmp_path / "new" / "model_card.html").read_text("utf-8")
    assert "model_card.html" in capsys.readouterr().out


def test_a_report_about_other_weights_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "--model", "lungs", "--report", str(SHIPPED / "anshul"), "--out", str(tmp_path)]) == 1
    assert "other weights than 'lungs'" in capsys.readouterr().err
