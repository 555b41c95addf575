"""A new trust test is one file: registered, it reaches command line, trust panel, report, record and docs."""

import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from toy_models import lung_trust_input

from covid_model.api.result import Result
from covid_model.cli.main import main
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.share.batch import TABLE
from covid_model.share.report import html_report
from covid_model.trust.trust_tests import TRUST_TESTS, register, run_tests
from covid_model.trust.verdict import verdict
from docs.reference import reference

FILE = Path(__file__).with_name("toy_trust_test.py")
ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
QUESTION = "Is its highest value in the lungs?"


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    import_module(FILE.stem)
    yield
    del TRUST_TESTS["peak"], sys.modules[FILE.stem]


def test_it_is_one_short_file_and_its_key_is_its_own() -> None:
    assert len(FILE.read_text("utf-8").splitlines()) < 30
    with pytest.raises(ValueError, match="'peak' is registered already"):
        register(type(TRUST_TESTS["peak"]))


def test_it_is_run_after_the_tests_that_decide_and_leaves_the_verdict_alone() -> None:
    inputs = lung_trust_input()
    scores = list(run_tests(inputs))
    assert [score.key for score in scores] == list(TRUST_TESTS)
    decides = [test.decides for test in TRUST_TESTS.values()]
    assert decides == sorted(decides, reverse=True)
    own = next(score for score in scores if score.key == "peak")
    assert own.outcome == "informational"
    assert own.value == 1.0
    assert verdict(inputs, scores).word == "supported"


def test_it_reaches_report_record_and_docs() -> None:
    inputs = lung_trust_input()
    scores = list(run_tests(inputs))
    page = html_report(inputs, scores, inputs.classifier.card, "An image")
    assert QUESTION in page
    assert "100% of its maxima are in the lungs." in page
    assert "The lungs must hold the highest value of the heatmap." in page
    assert "maxima in the lungs</td>" in page, "its figure"
    assert {
        score["key"] for score in Result(inputs, {score.key: score for score in scores}).record()["trust"]["scores"]
    } >= {"peak"}
    assert f"### {QUESTION} (`peak`)" in reference()


def test_it_reaches_the_command_line(tmp_path: Path) -> None:
    image = shipped_samples()["covid-19-1"].path
    assert main(["explain", str(image), "--model", "whole-image", "--trust", "--out", str(tmp_path)]) == 0
    row = pd.read_parquet(tmp_path / TABLE).iloc[0]
    assert row["gradcam/trust/peak/outcome"] == "informational"
    assert 0 <= row["gradcam/trust/peak"] <= 1


def test_it_reaches_the_trust_panel() -> None:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    app.query_params["model"] = "whole-image"
    app.run()
    assert any(QUESTION in option for option in app.main.pills[0].options)
    app.main.pills[0].set_value("peak").run()
    for _ in range(240):
        assert not app.exception
        shown = " ".join(str(text.value) for text in app.markdown)
        if "of its maxima are in the lungs." in shown:
            break
        time.sleep(0.5)
        app.run()
    assert f"**{QUESTION}**" in shown
    assert "of its maxima are in the lungs." in shown
    assert any("The lungs must hold the highest value" in str(caption.value) for caption in app.caption)
