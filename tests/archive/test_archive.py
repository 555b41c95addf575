"""Archives: rows as one by one, whatever is damaged, killed, interrupted or done before."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from covid_model.api.load import load_model, read_image
from covid_model.archive import run
from covid_model.archive.run import Counts, explain_archive
from covid_model.archive.task import Task
from covid_model.cli.archive import ENGINE_NAMES
from covid_model.cli.main import main
from covid_model.engines import addresses, engine
from covid_model.engines.addresses import addresses_of, read_address
from covid_model.engines.engine import local, on_ray
from covid_model.engines.work import Row, Work
from covid_model.engines.worker import ImageWorker
from covid_model.errors import DataError, ExplainError, ImageError
from covid_model.explain.explanation import Explanation
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.share.batch import Job

JOB = Job(("gradcam",))
NAMES = sorted(PHANTOMS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every phantom and a file that is no image, in folders of a folder."""
    place = tmp_path / "images" / "inside"
    place.mkdir(parents=True)
    for name in NAMES:
        (place / f"{name}.png").write_bytes(phantom_png(PHANTOMS[name]))
    (place.parent / "zz-damaged.png").write_bytes(phantom_png(PHANTOMS[NAMES[0]])[:500])
    (place / ".hidden").write_text("not an image")
    return place.parent


@pytest.fixture
def task() -> Task:
    return Task.of(DEFAULT_MODEL, JOB)


def table(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "table").sort_values("address", ignore_index=True)


def hold(rows: pd.DataFrame) -> None:
    """Rows of the phantoms against `Model.explain`, one by one in this process."""
    model = load_model()
    for row in rows.to_dict("records"):
        result = model.explain(read_image(row["address"].removeprefix("file://")), "gradcam")
        share = result.lung_share
        assert share is not None
        assert row["image"] == result.image.digest
        assert row["predicted"] == row["gradcam/target"] == result.predicted
        assert row["lungs"] == result.prediction.prepared.lungs.quality
        assert row["model_digest"] == model.classifier.weights_digest
        found = [row[f"probability/{name}"] for name in model.classes]
        np.testing.assert_allclose(found, list(result.probabilities.values()), rtol=1e-6)
        shares = [row["gradcam/lung_share"], row["gradcam/lung_share_by_chance"]]
        np.testing.assert_allclose(shares, [share.inside, share.chance], rtol=1e-6)


def test_rows_are_those_of_one_by_one_and_a_later_run_does_what_is_left(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    count = len(NAMES)
    assert explain_archive(str(folder), JOB, out, model=DEFAULT_MODEL, workers=1) == Counts(0, count, 1)
    rows = table(out)
    assert rows["address"].tolist() == addresses_of(str(folder))
    hold(rows[rows["error"].isna()])
    (damaged,) = rows[rows["error"].notna()].to_dict("records")
    assert damaged["address"].endswith("zz-damaged.png")
    assert damaged["error"].endswith(".")
    assert pd.isna(damaged["predicted"])
    assert damaged["model_digest"] == load_model().classifier.weights_digest

    (folder / "zz-damaged.png").write_bytes(phantom_png(PHANTOMS[NAMES[0]]))
    (folder / "new.png").write_bytes(phantom_png(PHANTOMS[NAMES[0]]))
    assert explain_archive(str(folder), JOB, out, model=DEFAULT_MODEL, workers=1) == Counts(count, 2, 0)
    later = table(out)
    assert later["address"].is_unique
    assert len(later) == count + 2
    assert later["error"].isna().all()
    assert explain_archive(str(folder), JOB, out, model=DEFAULT_MODEL) == Counts(count + 2, 0, 0)
    with pytest.raises(DataError, match=r"other settings \(seed\)"):
        explain_archive(str(folder), Job(("gradcam",), seed=1), out, model=DEFAULT_MODEL)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_worker_costs_no_row(folder: Path, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ImageWorker] = []

    def noted(work: Work) -> ImageWorker:
        started.append(ImageWorker(work))
        return started[-1]

    monkeypatch.setattr(engine, "ImageWorker", noted)
    every = [address for address in addresses_of(str(folder)) if "damaged" not in address]
    rows: list[Row] = []
    for number, found in enumerate(local(task.work, [every[:2]] * 3 + [every], workers=2)):
        rows += found
        if number == 1:  # both may be at work on the next two batches
            for worker in started:
                os.kill(worker.process_id or 0, signal.SIGKILL)
    assert [row["address"] for row in rows] == every[:2] * 3 + every
    hold(pd.DataFrame(rows))


def test_an_image_that_kills_its_worker_costs_its_own_row_alone(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dying_child.py").write_text(
        "import json, os\n"
        "def answered(request):\n"
        "    asked = json.loads(request)['addresses']\n"
        "    if 'bad.png' in asked:\n"
        "        os._exit(3)\n"
        "    return json.dumps([{'address': address} for address in asked]).encode()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    worker = ImageWorker(task.work)
    monkeypatch.setattr(worker._worker, "target", "dying_child:answered")
    first, bad, last = worker(["a.png", "bad.png", "c.png"])
    worker.close()
    assert (first, last) == ({"address": "a.png"}, {"address": "c.png"})
    assert bad["address"] == "bad.png"
    assert "crashed twice" in bad["error"]
    assert task.stamped(bad)["model_digest"] == task.model_digest


def test_an_interrupted_run_keeps_its_rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(work: Work, batches: Sequence[Sequence[str]], workers: int | None = None) -> Iterator[list[Row]]:
        yield [{"address": address, "predicted": "Normal"} for address in batches[0][:2]]
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "ENGINES", {"local": interrupted})
    with pytest.raises(KeyboardInterrupt):
        explain_archive(str(folder), JOB, tmp_path / "out", model=DEFAULT_MODEL)
    assert table(tmp_path / "out")["address"].tolist() == addresses_of(str(folder))[:2]
    assert [path.name for path in (tmp_path / "out" / "table").iterdir()] == ["part-000000.parquet"]


def test_heatmaps_are_saved_where_asked_for(folder: Path, tmp_path: Path) -> None:
    source = str(folder / "inside" / f"{NAMES[0]}.png")
    out = tmp_path / "out"
    assert main(["explain", "--images", source, "--heatmaps", "--workers", "1", "--out", str(out)]) == 0
    (row,) = table(out).to_dict("records")
    found = Explanation.load(out / "heatmaps" / row["gradcam/record"])
    np.testing.assert_allclose(found.heatmap, load_model().explain(read_image(source)).heatmap, rtol=1e-5, atol=1e-6)
    assert (out / "heatmaps" / row["gradcam/record"]).with_suffix(".png").is_file()


def test_addresses_come_from_folders_tables_and_uris(folder: Path, tmp_path: Path) -> None:
    odd = folder / "a b#%20.png"
    odd.write_bytes(b"content")
    paths = [*(str(path) for path in sorted(folder.rglob("*.png")))]
    assert addresses_of(str(folder)) == paths
    uris = addresses_of(f"{folder.as_uri()}/")
    assert [read_address(uri) for uri in uris] == [Path(path).read_bytes() for path in paths]
    assert f"{folder.as_uri()}/a%20b%23%2520.png" in uris
    assert addresses_of(uris[0]) == [uris[0]]
    pq.write_table(pa.table({"label": ["x"] * 4, "path": [paths[1], None, paths[0], paths[1]]}), tmp_path / "t.parquet")
    assert addresses_of(str(tmp_path / "t.parquet")) == [paths[1], paths[0]]
    assert addresses_of((tmp_path / "t.parquet").as_uri()) == [paths[1], paths[0]]


def test_a_bucket_is_listed_and_read_by_its_uri(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the place of a bucket: PyArrow's paths of S3 begin with the bucket's name."""
    roots: list[str] = []

    def file_system(root: str) -> tuple[SubTreeFileSystem, str]:
        roots.append(root)
        return SubTreeFileSystem(str(folder.parent), LocalFileSystem()), folder.name

    monkeypatch.setattr(addresses, "_file_system", file_system)
    found = addresses_of("s3://images/inside?region=eu-central-1")
    assert found == [f"s3://images/inside/{name}.png?region=eu-central-1" for name in NAMES]
    assert read_address(found[0]) == phantom_png(PHANTOMS[NAMES[0]])
    assert set(roots) == {"s3://images/?region=eu-central-1"}


def test_what_cannot_be_read_is_one_sentence(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    pq.write_table(pa.table({"file": ["a.png"]}), tmp_path / "other.parquet")
    (tmp_path / "damaged.parquet").write_text("no table")
    for source, words in {
        "s3://key:secret@bucket/folder": "^The address holds a password",
        "none": "There is no",
        "nope://host/x": "cannot be read",
        "empty": "names no image",
        "other.parquet": "has the columns file; `address` or `path`",
        "damaged.parquet": "cannot be read",
    }.items():
        with pytest.raises(DataError, match=words):
            addresses_of(source if "://" in source else str(tmp_path / source))
    with pytest.raises(ImageError, match="There is no file"):
        read_address((tmp_path / "none.png").as_uri())
    monkeypatch.setattr("covid_model.images.read.MAX_BYTES", 10)
    with pytest.raises(ImageError, match="images up to"):
        read_address((folder / "zz-damaged.png").as_uri())


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job(("gradcam",), trust=True), "Trust tests"),
        (Job(("gradcam",), layer="pool"), "choose top"),
        (Job(("gradcam",), target="Flu"), "COVID-19, Pneumonia, Normal"),
    ],
)
def test_settings_that_no_image_can_change_are_refused_before_any_is_read(job: Job, words: str) -> None:
    with pytest.raises(ExplainError, match=words):
        Task.of(DEFAULT_MODEL, job)


def test_an_output_in_use_and_a_damaged_one_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "table").mkdir(parents=True)
    with FileLock(out / "archive.json.lock"), pytest.raises(DataError, match="Another run writes"):
        explain_archive(str(folder), JOB, out, model=DEFAULT_MODEL)
    (out / "table" / "part-000000.parquet").write_text("no table")
    with pytest.raises(DataError, match="damaged file"):
        explain_archive(str(folder), JOB, out, model=DEFAULT_MODEL)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["x.png", "--images", "y"], "either as FILE or by --images"),
        (["x.png", "--engine", "ray"], "belong to --images"),
        (["--images", "y", "--workers", "0"], "at least 1. Received: 0"),
    ],
)
def test_flags_that_do_not_fit_are_one_sentence(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *flags, "--out", "out"]) == 1
    assert words in capsys.readouterr().err


def test_the_command_offers_every_engine() -> None:
    assert tuple(engine.ENGINES) == ENGINE_NAMES


def test_without_ray_one_sentence_names_the_command(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r"pip install -r requirements-ray\.txt"):
        next(on_ray(task.work, [["a.png"]]))


def test_ray_gives_the_rows_of_the_local_engine(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for name in ("local", "ray"):  # each in a process of its own, since Ray's warnings would be errors here
        command = ["explain", "--images", str(folder), "--engine", name, "--workers", "1", "--out", str(tmp_path / name)]
        done = subprocess.run([sys.executable, "-m", "covid_model", *command], check=False, capture_output=True, text=True)
        assert done.returncode == 2, done.stderr
        assert f"{len(NAMES)} images explained, 1 failed" in done.stdout
    first, second = (table(tmp_path / name).drop(columns="gradcam/seconds") for name in ("local", "ray"))
    pd.testing.assert_frame_equal(first, second, rtol=1e-12)
