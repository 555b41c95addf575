"""Commands in processes of their own: progress, result, failure, and what survives the page that started them."""

import time
from pathlib import Path

import pandas as pd
import pytest

from covid_model import settings
from covid_model.errors import DataError, HostError
from covid_model.jobs import Job, find_job, is_running, start_job
from covid_model.progress import ProgressLog, last_progress


def ended(job: Job) -> str:
    for _ in range(240):
        if (state := job.state()) != "running":
            return state
        time.sleep(0.25)
    raise AssertionError("the job did not end")


def test_a_job_counts_its_items_and_is_known_by_its_result(tmp_path: Path) -> None:
    out = tmp_path / "set"
    job = start_job(["data", "demo", "--out", str(out), "--images", "60"], out, tmp_path / "no.parquet", "Drawing")
    assert find_job(out) == job
    if job.state() == "running":
        with pytest.raises(DataError, match="Drawing is under way already"):
            start_job(["data", "demo"], out, job.result, "Drawing")
    assert ended(job) == "failed", "it wrote another file than was said"
    assert job.progress() == ("drawing", 60, 60)
    assert len(pd.read_parquet(out / "manifest.parquet")) == 60
    job.forget()
    assert find_job(out) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_a_job_that_fails_says_why_and_one_with_a_result_is_done(tmp_path: Path) -> None:
    result = tmp_path / "made.parquet"
    job = start_job(["data", "demo", "--out", str(tmp_path / "set"), "--images", "3"], tmp_path / "set", result, "Drawing")
    assert ended(job) == "failed"
    assert job.failure().startswith("A demo data set needs 60 images or more")
    result.write_text("made")
    assert job.state() == "done"
    assert not is_running(job.pid, job.created)
    assert not is_running(job.pid, job.created - 1000), "another process of the same number"


def test_a_public_copy_starts_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings._Server, "public", True)
    with pytest.raises(HostError, match="Drawing is switched off on a public copy"):
        start_job(["data", "demo"], tmp_path / "x", tmp_path / "x", "Drawing")
    assert not list(tmp_path.iterdir())


def test_a_damaged_record_of_a_job_is_no_job(tmp_path: Path) -> None:
    (tmp_path / "x.job.json").write_text("[1")
    assert find_job(tmp_path / "x") is None


def test_progress_is_lines_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLog("measuring", 500) as shown:
        for _ in range(500):
            shown.add()
    log = capsys.readouterr().err
    assert log.count("progress:") <= 3, "not one line an image"
    assert last_progress(log) == ("measuring", 500, 500)
    assert last_progress("nothing yet") is None
