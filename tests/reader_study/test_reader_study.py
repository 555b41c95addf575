"""The design is balanced, no answer is lost or changed afterwards, and the shares are those counted by hand."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from covid_model.errors import DataError
from covid_model.reader_study.design import StudyImage, Trial, plan
from covid_model.reader_study.scores import csv_text, measured, measured_by, rows_of
from covid_model.reader_study.session import Reading, Settings, begin, resume

CLASSES = ("COVID-19", "Normal", "Pneumonia")
IMAGES = tuple(StudyImage(f"{label}-{i}", label) for label in CLASSES for i in range(8))
SETTINGS = Settings("0a1b2c", "lungs", ("gradcam", "hirescam"), 18, IMAGES)


@pytest.mark.parametrize("reader", ["0a1b2c", "ffffff", "123456"])
def test_classes_wrong_answers_and_methods_are_balanced(reader: str) -> None:
    trials = plan(IMAGES, SETTINGS.methods, reader, 18)
    assert [trial.number for trial in trials] == list(range(1, 19))
    assert len({trial.image for trial in trials}) == 18
    assert Counter(trial.truth for trial in trials) == dict.fromkeys(CLASSES, 6)
    wrong = [trial for trial in trials if not trial.right]
    assert Counter(trial.truth for trial in wrong) == dict.fromkeys(CLASSES, 2)
    for label in CLASSES:
        assert {trial.shown for trial in wrong if trial.truth == label} == set(CLASSES) - {label}
    assert Counter(trial.method for trial in wrong) == {"gradcam": 3, "hirescam": 3}
    assert Counter(trial.method for trial in trials if trial.right) == {"gradcam": 6, "hirescam": 6}


def test_another_reader_has_another_order() -> None:
    orders = {tuple(trial.image for trial in plan(IMAGES, ("gradcam",), f"{i:06x}", 18)) for i in range(10)}
    assert len(orders) == 10


def test_too_few_images_are_one_sentence() -> None:
    with pytest.raises(DataError, match="1 methods, 5 images of 1 classes"):
        plan(IMAGES[:5], ("gradcam",), "0a1b2c", 5)


def answer(session, second: str | None = None) -> None:
    trial = session.current
    session.commit_first(trial.truth, ["upper left"], 2.04)
    session.commit_second(second or trial.shown, 1.0)


def test_a_closed_page_loses_no_answer(tmp_path: Path) -> None:
    session = begin(SETTINGS, tmp_path)
    for _ in range(3):
        answer(session)
    session.commit_first("Normal", [], 1.0)
    again = resume(tmp_path, "0a1b2c")
    assert again is not None
    assert (again.settings, again.trials, again.readings, again.pending) == (
        session.settings,
        session.trials,
        session.readings,
        session.pending,
    )
    with pytest.raises(ValueError, match="recorded already"):
        again.commit_first("COVID-19", [], 1.0)


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_line_cut_short_is_answered_again(tmp_path: Path, cut: int) -> None:
    session = begin(SETTINGS, tmp_path)
    answer(session)
    file = tmp_path / "0a1b2c.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])
    again = resume(tmp_path, "0a1b2c")
    assert again is not None
    assert (again.readings, again.current, again.pending) == (
        [],
        session.trials[0],
        {**again.pending, "first": session.trials[0].truth},
    )
    again.commit_second("Normal", 1.0)
    third = resume(tmp_path, "0a1b2c")
    assert third is not None
    assert third.readings == again.readings


def test_foreign_codes_and_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    assert resume(tmp_path, "abcdef") is None
    for code in ("../../x", "ABCDEF", "abcdefa", ""):
        with pytest.raises(DataError, match="is not a reader's code"):
            resume(tmp_path, code)
    (tmp_path / "abcdef.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="is damaged"):
        resume(tmp_path, "abcdef")


def test_the_second_answer_needs_the_first() -> None:
    with pytest.raises(ValueError, match="missing"):
        begin(SETTINGS, None).commit_second("Normal", 1.0)


def reading(number: int, shown: str, first: str, second: str, method: str = "gradcam") -> Reading:
    trial = Trial(number, f"image-{number}", "Normal", shown, method)
    return Reading(trial, first, ("upper left",), 2.0, second, 1.0)


READINGS = [
    reading(1, "Normal", "Normal", "Normal"),
    reading(2, "Normal", "COVID-19", "Normal"),
    reading(3, "Normal", "COVID-19", "COVID-19"),
    reading(4, "COVID-19", "Normal", "COVID-19", "hirescam"),
    reading(5, "COVID-19", "Normal", "Normal", "hirescam"),
    reading(6, "COVID-19", "COVID-19", "COVID-19", "hirescam"),
    reading(7, "COVID-19", "Normal", "Pneumonia", "hirescam"),
    reading(8, "COVID-19", "Normal", "COVID-19", "gradcam"),
]


def test_shares_are_those_counted_by_hand() -> None:
    rows = rows_of("0a1b2c", READINGS, {1: "upper left", 2: "lower left"}, {4: "withheld", 8: "supported"})
    found = {key: interval.value for key, interval in measured(rows).items()}
    assert found["before"] == pytest.approx(5 / 8)
    assert found["after"] == pytest.approx(3 / 8)
    assert found["followed_wrong"] == pytest.approx(2 / 4)
    assert found["followed_right"] == pytest.approx(1 / 2)
    assert found["same_region"] == pytest.approx(1 / 8)
    by_method = measured_by(rows, "method")
    assert by_method["hirescam"]["followed_wrong"].value == pytest.approx(1 / 3)
    assert by_method["gradcam"]["followed_wrong"].value == 1.0
    assert set(measured_by(rows, "verdict")) == {"withheld", "supported"}


def test_none_of_two_is_not_certain() -> None:
    """Wilson's interval for k = 0: from 0 to z^2 / (n + z^2), with z = 1.96."""
    rows = rows_of(
        "0a1b2c", [reading(1, "Normal", "COVID-19", "COVID-19"), reading(2, "Normal", "COVID-19", "COVID-19")], {}, {}
    )
    found = measured(rows)["after"]
    assert (found.value, found.low) == (0.0, pytest.approx(0.0, abs=1e-9))
    assert found.high == pytest.approx(1.95996**2 / (2 + 1.95996**2), abs=1e-4)


def test_several_readers_are_drawn_as_wholes() -> None:
    """Two readers who differ as a whole: the interval must reach from one to the other."""
    good = rows_of("aaaaaa", [reading(n, "Normal", "Normal", "Normal") for n in range(20)], {}, {})
    bad = [{**row, "reader": "bbbbbb", "second": "COVID-19"} for row in good]
    interval = measured(good + bad)["after"]
    assert (interval.value, interval.low, interval.high, interval.patients) == (0.5, 0.0, 1.0, 2)


def test_the_csv_reads_back() -> None:
    rows = rows_of("0a1b2c", READINGS, {}, {})
    read = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert [row["second"] for row in read] == [reading.second for reading in READINGS]
    assert csv_text([]) == ""
