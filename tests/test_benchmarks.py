"""The benchmarks' pure helpers: what they read from /proc, and the page that is made of their results."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.images import noisy_samples
from benchmarks.kills import differences
from benchmarks.processes import kilobytes, memory_mb, processor_s
from benchmarks.server_kills import files_with_pixels, lost, manifest_of
from benchmarks.surroundings import spread
from covid_model.data.leave_out import leave_out
from covid_model.data.saved_queries import write_saved_queries
from covid_model.data.tags import set_tags, tags_path
from covid_model.training.checkpoint import BEST, LAST, write_state
from docs.speed import FIGURES, STEPS, Figure, grad_cam_section, load_section, outcome, page, row, shown, value_at

STATUS = "Name:\tpython\nVmRSS:\t  123456 kB\nRssAnon:\t    1000 kB\nRssFile:\t     200 kB\n"
ROLLUP = "55d0-7ffc ---p 00000000 00:00 0    [rollup]\nRss:     900 kB\nPss_Anon:    40 kB\nAnonymous:    50 kB\n"
RESULTS = {"app": {"dashboard": {"upload": {"median_s": 0.35}}, "naive page": {"upload": {"median_s": 1.5}}}}
UPLOAD = Figure("Upload", "ms", "app/dashboard/upload/median_s", "app/naive page/upload/median_s", "naive page", 400)


def test_memory_is_read_from_status_and_rollup() -> None:
    assert kilobytes(STATUS, "RssAnon") == 1_024_000
    assert kilobytes(STATUS, "VmRSS") == 123_456 * 1024
    assert kilobytes(ROLLUP, "Anonymous") == 51_200
    with pytest.raises(ValueError, match="RssShmem"):
        kilobytes(STATUS, "RssShmem")
    with pytest.raises(ValueError, match="Anon"):
        kilobytes(STATUS, "Anon")  # a part of a name is not the name


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_is_counted_with_its_memory_and_time() -> None:
    block = bytearray(os.urandom(1_000_000)) * 50
    found = memory_mb(os.getpid())
    assert len(block) / 1e6 < found["server_anonymous"] <= found["resident"]
    assert found["anonymous"] >= found["server_anonymous"]
    before = processor_s(os.getpid())
    assert 0 < before <= processor_s(os.getpid())


def test_a_decision_that_a_killed_server_lost_is_found(tmp_path: Path) -> None:
    manifest, row = manifest_of(tmp_path), {"digest": f"{0:064x}", "path": "0.png", "why": "near"}
    set_tags(manifest, row["digest"], ["seen"])
    leave_out(manifest, [row], "near")
    write_saved_queries(manifest, {"0": {}})
    assert lost(tmp_path, 0, 0, readings=0) == []
    assert lost(tmp_path, 0, 1, readings=2) == ["tag 1", "image 1 to leave out", "query 1", "2 readings"]
    tags_path(manifest).write_text('{"seen": [')
    assert lost(tmp_path, 0, 0, readings=0) == ["tag 0"]


def test_pixels_that_stay_on_the_disk_are_found(tmp_path: Path) -> None:
    noisy_samples(tmp_path / "folder", 1)
    (tmp_path / "log.txt").write_text("PNG")
    assert [Path(name).parent.name for name in files_with_pixels(tmp_path)] == ["folder"]


def small_run(path: Path, weight: float, metrics: str = '{"kind": "step", "step": 1, "loss": 0.5}\n') -> Path:
    (path / "checkpoint").mkdir(parents=True)
    (path / "metrics.jsonl").write_text(metrics)
    for name in (LAST, BEST):
        write_state(path / "checkpoint" / name, {"weights": [np.array([weight, 1.0], np.float32)]}, {"step": 1})
    return path


def test_a_killed_run_that_differs_in_one_bit_is_found(tmp_path: Path) -> None:
    whole, next_bit = small_run(tmp_path / "whole", 0.5), float(np.nextafter(np.float32(0.5), np.float32(1)))
    assert list(differences(small_run(tmp_path / "same", 0.5), whole)) == []
    assert list(differences(small_run(tmp_path / "other", next_bit), whole)) == [
        f"other arrays in {LAST}",
        f"other arrays in {BEST}",
    ]
    assert list(differences(small_run(tmp_path / "broken", 0.5, '{"kind": "st'), whole)) == ["a broken line of metrics"]
    assert list(differences(small_run(tmp_path / "short", 0.5, ""), whole)) == ["other steps or losses"]


def test_the_spread_of_several_times() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median_s": 2.0, "min_s": 1.0, "max_s": 3.0}


def test_drawn_files_all_differ_and_have_the_size_asked_for(tmp_path: Path) -> None:
    files = noisy_samples(tmp_path / "new", 14, 300)  # more than there are samples
    assert len({file.read_bytes() for file in files}) == 14
    assert {cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).shape for file in files} == {(300, 300)}


def test_a_row_has_value_bar_outcome_and_peer() -> None:
    assert row(UPLOAD, RESULTS) == "| Upload | 350 ms | at most 400 ms | kept | 1,500 ms (naive page) |"


@pytest.mark.parametrize(
    ("value", "at_least", "expected"),
    [
        (0.4, False, "kept"),
        (0.401, False, "**missed**"),
        (0.4, True, "kept"),
        (0.399, True, "**missed**"),
        (None, True, "-"),
    ],
)
def test_a_missed_bar_is_shown_as_missed(value: float | None, at_least: bool, expected: str) -> None:
    assert outcome(Figure("x", "ms", "", bar=400, at_least=at_least), value) == expected
    assert outcome(Figure("x", "ms", ""), value) == "-"
    assert outcome(Figure("x", "ms", "", bar=60), 0.060000000000002274) == "kept", "what clocks leave in the last digits"


def test_what_was_not_measured_says_so() -> None:
    assert value_at(RESULTS, "app/dashboard/upload/max_s") is None
    assert value_at(RESULTS, "command_line/predict/seconds") is None
    assert shown(None, "ms") == "not measured"
    assert all("not measured" in row(figure, {}) for figure in FIGURES)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.0123456, "ms", "12.3 ms"), (0.0041, "%", "0.41 %"), (1234.5, "MB", "1,234 MB"), (0.0, "lines", "0 lines")],
)
def test_values_have_three_digits_and_their_unit(value: float, unit: str, expected: str) -> None:
    assert shown(value, unit) == expected  # type: ignore[arg-type]


def test_the_grad_cam_table_names_every_case_and_what_was_skipped() -> None:
    warm = [{"case": "Grad-CAM", "images": count, "median_s": count / 100} for count in (1, 16)]
    warm.append({"case": "image to probabilities", "images": 1, "median_s": 0.5})
    at_once = [{"threads": 2, "sessions": 1, "images_per_s": 123.4}]
    found = {"warm": warm, "skipped": {"torch-cam": "No module named 'torch'"}, "at once": at_once, "onnx_threads": 2}
    text = "\n".join(grad_cam_section(found))
    assert "| Grad-CAM | 10 ms | 160 ms |" in text
    assert "| image to probabilities | 500 ms | - |" in text
    assert "Skipped: torch-cam, since No module named 'torch'." in text
    assert "| 2 | 1 | 123 |" in text


def test_a_page_without_results_is_whole() -> None:
    assert page({}).count("\n|") == len(FIGURES) + 2


def test_load_is_a_row_for_each_number_of_sessions_and_memory_a_sentence() -> None:
    steps = {step: {"p50_s": 1.5, "p95_s": 2.25} for step in STEPS}
    case = {"images": 10, "mixed": 0, "memory_mb": {"anonymous": 456.7}, **steps}
    memory = {"images": 500, "anonymous_mb": [600.0, 650.4], "rise over the plateau": 0.084}
    text = "\n".join(load_section({"at once": {"5": case}, "memory over images": memory}))
    assert f"| 5 | 10 | 0 |{' 1.5 s, 2.25 s |' * len(STEPS)} 457 MB |" in text
    assert "600, 650; the last readings are +8.4% from the highest before." in text
