"""Tags and the list of images to leave out: kept beside the manifest, whoever writes, and read by the next build."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from covid_model import settings
from covid_model.cli.main import main
from covid_model.data import beside
from covid_model.data.filters import Query
from covid_model.data.leave_out import as_csv, leave_out, leave_out_path, listed_images, read_leave_out, surplus
from covid_model.data.manifest import read_manifest
from covid_model.data.tags import read_tags, set_tags, tags_path, with_tags
from covid_model.errors import DataError, HostError
from covid_model.images.phantom import Phantom, phantom_png

A, B = "a" * 64, "b" * 64


def test_tags_belong_to_the_manifest_measured_or_not(tmp_path: Path) -> None:
    set_tags(tmp_path / "set.parquet", A, ["odd", "  two  words "])
    set_tags(tmp_path / "set-measured.parquet", B, ["odd"])
    assert read_tags(tmp_path / "set.parquet") == {"odd": frozenset({A, B}), "two words": frozenset({A})}
    set_tags(tmp_path / "set.parquet", A, [])
    assert read_tags(tmp_path / "set-measured.parquet") == {"odd": frozenset({B})}
    assert with_tags(Query(tags=("odd", "gone")), tmp_path / "set.parquet") == Query(digests=(B,))
    assert with_tags(Query(tags=("odd",), digests=(A,)), tmp_path / "set.parquet") == Query(digests=())


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    manifest = tmp_path / "set.parquet"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: set_tags(manifest, f"{number:064x}", ["seen"]), range(40)))
        rows = [[{"digest": f"{number:064x}", "path": f"/x/{number}.png", "why": "w"}] for number in range(40)]
        list(pool.map(lambda images: leave_out(manifest, images, "near"), rows))
    assert len(read_tags(manifest)["seen"]) == 40
    assert len(listed_images(manifest)) == 40


def test_a_writer_that_holds_on_and_a_bad_tag_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "WAIT", 0.05)
    path = tags_path(tmp_path / "set.parquet")
    with FileLock(f"{path}.lock"), pytest.raises(DataError, match="waited for another writer"):
        set_tags(tmp_path / "set.parquet", A, ["seen"])
    with pytest.raises(DataError, match="A tag has 1 to 40 characters"):
        set_tags(tmp_path / "set.parquet", A, ["x" * 41])
    path.write_text("[damaged")
    assert read_tags(tmp_path / "set.parquet") == {}
    monkeypatch.setattr(settings._Server, "public", True)
    with pytest.raises(HostError, match="Setting a tag is switched off"):
        set_tags(tmp_path / "set.parquet", A, ["seen"])
    with pytest.raises(HostError, match="Leaving images out is switched off"):
        leave_out(tmp_path / "set.parquet", [], "near")


def test_the_next_manifest_leaves_out_what_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        path = tmp_path / "mine" / ("covid", "normal")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(phantom_png(Phantom("x", number // 4, ())))
    out = tmp_path / "set.parquet"
    build = ["data", "build", "--folder", f"mine={tmp_path / 'mine'}", "--out", str(out)]
    assert main(build) == 0
    table = read_manifest(out)
    extra = surplus(table).assign(why="copy, or not")
    assert 9 <= len(extra) < 12, "four copies of each of three drawings, and the drawings are alike"
    assert leave_out(out, extra.head(3).to_dict("records"), "near") == 3
    assert leave_out(out, extra.head(3).to_dict("records"), "near") == 3, "not twice"
    capsys.readouterr()
    assert main([*build, "--leave-out", str(leave_out_path(out))]) == 0
    assert "left out because they are in the list to leave out: mine 3" in capsys.readouterr().out
    left = {Path(path).name for path in table["path"]} - {Path(path).name for path in read_manifest(out)["path"]}
    assert left == {Path(path).name for path in extra.head(3)["path"]}


def test_of_two_copies_of_a_file_one_is_left_out(tmp_path: Path) -> None:
    paths, hashes = ["/x/1.png", "/x/2.png", "/x/3.png"], ["0" * 64, "0" * 64, "f" * 64]
    table = pd.DataFrame({"digest": [A, A, B], "path": paths, "phash": hashes})
    assert surplus(table)["path"].tolist() == ["/x/2.png"]
    leave_out(tmp_path / "set.parquet", surplus(table).assign(why="w").to_dict("records"), "repeated")
    assert read_leave_out(leave_out_path(tmp_path / "set.parquet")) == {(A, "2.png"): "repeated"}


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="lacks the column"):
        read_leave_out(tmp_path / "x.csv")
    assert as_csv([]) == "digest,file,check,why\r\n"
