"""Full disks and folders that cannot be written: one sentence, and nothing that was there is lost."""

import errno
from pathlib import Path

import pytest
from PIL import Image

from covid_model.cli.main import main
from covid_model.files import check_writable, write_json

BUILD = ["data", "build", "--folder"]


def manifest(folder: Path) -> Path:
    """The manifest of two drawn images."""
    for number, label in enumerate(("COVID-19", "Normal")):
        place = folder / "images" / label / f"{number}.png"
        place.parent.mkdir(parents=True)
        Image.linear_gradient("L").rotate(90 * number).save(place)
    out = folder / "m.parquet"
    assert main([*BUILD, f"own={folder / 'images'}", "--out", str(out)]) == 0
    return out


def test_a_folder_that_cannot_be_written_is_named_before_any_image_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("covid_model.data.manifest.load_image", lambda _: pytest.fail("an image was read"))
    capsys.readouterr()
    folder = f"own={tmp_path / 'images'}"
    assert main([*BUILD, folder, "--out", str(tmp_path / "file" / "m.parquet")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("; make room or choose another place.")
    assert str(tmp_path / "file") in line


def test_a_full_disk_is_one_sentence_and_the_older_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = manifest(tmp_path), tmp_path / "description.json"
    assert main(["data", "describe", str(source), "--out", str(out)]) == 0
    before = out.read_bytes()

    def full(self: Path, *_: object, **__: object) -> None:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    capsys.readouterr()
    assert main(["data", "describe", str(source), "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"error: {out}: No space left on device; make room or choose another place.\n"
    assert out.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_an_older_file_stays_where_writing_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    path = tmp_path / "a.json"
    write_json(path, {"first": 1})
    with pytest.raises(OSError, match=r"a\.json"), monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refused)
        write_json(path, {"second": 2})
    assert path.read_text("utf-8") == '{\n "first": 1\n}\n'
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_the_look_ahead_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "m.parquet")
    assert list((tmp_path / "new").iterdir()) == []
