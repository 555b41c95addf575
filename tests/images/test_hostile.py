"""Hostile files end in one sentence or a valid image; `python -m benchmarks.hostile` tries more of them, bombs too."""

from pathlib import Path

from benchmarks.hostile import tried
from benchmarks.hostile_dicom import dicoms
from benchmarks.hostile_files import headers, mutations, polyglots, special_paths, strangers, values


def test_crafted_files_end_in_a_sentence_or_an_image(tmp_path: Path) -> None:
    files = [*headers(), *strangers(), *values(), *dicoms(), *polyglots(), *special_paths(tmp_path)]
    assert len(files) >= 300
    found = tried(files)
    assert found["broken"] == []
    assert found["a good image afterwards"] == "image"


def test_randomly_changed_files_end_in_a_sentence_or_an_image() -> None:
    found = tried(mutations(1000, seed=1))
    assert (found["files"], found["broken"]) == (1000, [])
    assert found["a good image afterwards"] == "image"
