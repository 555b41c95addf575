"""Files that are written completely or not at all."""

import threading
from pathlib import Path

import pytest

from covid_model.files import check_writable, remove_partials, written_whole
from covid_model.threads import in_order


def test_threads_that_write_the_same_file_at_once_all_finish(tmp_path: Path) -> None:
    path, together = tmp_path / "row.json", threading.Barrier(4, timeout=30)

    def write(number: int, _: object) -> int:
        with written_whole(path) as partial:
            partial.write_text(str(number))
            together.wait()
            assert partial.read_text() == str(number)
        return number

    assert list(in_order(write, range(4), most=4)) == [0, 1, 2, 3]
    assert path.read_text() in {"0", "1", "2", "3"}
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_before_stays_where_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), written_whole(path) as partial:
        partial.write_text("half")
        _ = 1 / 0
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_looking_whether_a_file_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "folder" / "row.json")
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder"]


def test_only_what_is_half_written_of_the_file_is_removed(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in ("a[1].json", "b.json.7.partial", "a[1].json.lock")]
    for path in (*kept, tmp_path / "a[1].json.7.partial", tmp_path / "a[1].json.8.partial"):
        path.touch()
    remove_partials(kept[0])
    assert sorted(tmp_path.iterdir()) == sorted(kept)
