"""The Reader study page, driven through AppTest: consent, both answers, the end, and a session that goes on elsewhere."""

from pathlib import Path

import pytest
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model.reader_study.session import resume
from covid_model.settings import PUBLIC, STUDY

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STUDY.variable, str(tmp_path / "studies"))
    monkeypatch.setenv(PUBLIC.variable, "0")
    return tmp_path / "studies"


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    app.query_params.update(parameters)
    app.run()
    app.switch_page("pages/reader_study.py").run()
    assert not app.exception
    return app


def started(count: int = 6) -> AppTest:
    app = opened()
    assert app.button(key="study_start").disabled, "nobody takes part without consent"
    app.slider(key="study_count").set_value(count)
    app.checkbox(key="study_consent").check().run()
    app.button(key="study_start").click().run()
    assert not app.exception
    return app


def test_nothing_of_the_answer_is_shown_before_the_first_is_committed(folder: Path) -> None:
    app = started()
    text = page_text(app)
    assert "system's answer:" not in text
    assert app.button(key="study_commit_1").disabled
    app.radio(key="study_first_1").set_value("Normal").run()
    app.button_group(key="study_region_1").set_value(["upper left"]).run()
    app.button(key="study_commit_1").click().run()
    assert not app.exception
    assert "The system's answer:" in page_text(app)
    assert "study_first_1" not in [radio.key for radio in app.radio], "the first answer cannot be changed"


def test_a_session_goes_on_in_another_browser_and_ends_with_the_hand_counted_shares(folder: Path) -> None:
    app = started()
    code = app.query_params["reader"]
    reader = code[0] if isinstance(code, list) else code
    for number in range(1, 7):
        if number == 4:
            app = opened(reader=reader)
            assert "Image 4: what do you see?" in page_text(app)
        app.radio(key=f"study_first_{number}").set_value("Normal")
        app.button_group(key=f"study_region_{number}").set_value(["upper left"]).run()
        app.button(key=f"study_commit_{number}").click().run()
        app.radio(key=f"study_second_{number}").set_value("COVID-19").run()
        app.button(key=f"study_next_{number}").click().run()
        assert not app.exception
    session = resume(folder, reader)
    assert session is not None
    assert [(reading.first, reading.second) for reading in session.readings] == [("Normal", "COVID-19")] * 6
    shown = {metric.label: metric.value for metric in app.metric}
    truth = [trial.truth for trial in session.trials]
    assert shown["Right before the heatmap"] == f"{truth.count('Normal') / 6:.0%}"
    assert shown["Right after it"] == f"{truth.count('COVID-19') / 6:.0%}"
    assert [button.label for button in app.get("download_button")] == ["Answers (CSV)"]


def test_an_unknown_code_is_one_sentence_and_a_way_on(folder: Path) -> None:
    for code in ("abcdef", "../../x"):
        app = opened(reader=code)
        assert len(app.error) == 1
        app.button(key="study_new").click().run()
        assert not app.exception
        assert app.button(key="study_start")


def test_a_public_copy_writes_no_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC.variable, "1")
    app = started()
    assert "reader" not in app.query_params
    app.radio(key="study_first_1").set_value("Normal")
    app.button_group(key="study_region_1").set_value(["upper left"]).run()
    app.button(key="study_commit_1").click().run()
    assert not app.exception
    assert not folder.exists()
