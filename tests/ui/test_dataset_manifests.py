"""The Dataset page without a manifest, with one that breaks, and with one that is made or drawn there."""

import time
from pathlib import Path

import pandas as pd
import pytest
from dataset_page import opened
from shown import page_text

from covid_model.images.phantom import Phantom, phantom_png
from covid_model.jobs import find_job
from ui.manifest import image_key


def test_without_a_manifest_the_public_sources_are_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "none.parquet"))
    app = opened()
    assert not app.error
    assert "No manifest at" in page_text(app)
    assert "show children" in page_text(app)


@pytest.mark.parametrize("content", [b"PAR1 damaged PAR1", b""])
def test_a_damaged_manifest_is_one_sentence_and_the_rest_goes_on(manifest: Path, content: bytes) -> None:
    manifest.write_bytes(content)
    assert "cannot be read as a manifest" in page_text(opened())


def test_a_manifest_deleted_or_replaced_while_open_is_one_sentence(manifest: Path) -> None:
    app = opened(view="Browse")
    assert "**30 images** of 30" in page_text(app)
    whole = pd.read_parquet(manifest)
    manifest.unlink()
    app.run()
    assert not app.exception
    assert "No manifest at" in page_text(app)
    whole.iloc[:7].to_parquet(manifest)
    app.run()
    assert not app.exception
    assert "**7 images** of 7" in page_text(app)
    manifest.write_bytes(b"PAR1 cut")
    app.run()
    assert not app.exception
    assert "cannot be read as a manifest; build it again" in page_text(app)


def test_a_source_folder_that_vanished_is_reported_image_by_image(manifest: Path) -> None:
    for path in manifest.parent.glob("*.png"):
        path.unlink()
    app = opened()
    assert "**30 images** of 30" in page_text(app)
    assert len(app.warning) == 24
    assert "to fix" in str([frame.value.to_dict() for frame in opened(view="Quality").dataframe])


def test_own_images_become_the_manifest_on_show(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("covid", "sick", "knees")):
        for copy in range(3):
            path = tmp_path / "mine" / name / f"{copy}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(phantom_png(Phantom("x", 3 * number + copy, ())))
    app = opened(view="Get images")
    assert "Do not redistribute" in page_text(app)
    app.text_input(key="own_place").set_value(str(tmp_path / "mine")).run()
    means = {box.label: box for box in app.selectbox if "means" in box.label}
    assert {label: box.value for label, box in means.items()} == {
        "“covid” means": "COVID-19",
        "“knees” means": "(none)",
        "“sick” means": "(none)",
    }
    means["“sick” means"].select("Pneumonia").run()
    app.button(key="own_build").click().run()
    assert not app.exception
    assert len(pd.read_parquet(tmp_path / "own.parquet")) == 6
    assert app.text_input(key="manifest_path").value == str(tmp_path / "own.parquet")
    assert any("left out by label, own: knees 3" in text.value for text in app.text), (
        "what was left out is counted on the page"
    )
    app.text_input(key="own_place").set_value(str(tmp_path / "nowhere")).run()
    assert "is not a folder" in page_text(app)


def test_a_table_of_own_images_is_matched_by_its_columns(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file,dx\n0.png,covid\n1.png,healthy\n2.png,healthy\n")
    app = opened(view="Get images")
    app.get("button_group")[0].select("a CSV table").run()
    app.text_input(key="own_place").set_value(str(tmp_path / "list.csv")).run()
    app.selectbox(key="own_column_path").select("file").run()
    app.selectbox(key="own_column_label").select("dx").run()
    app.button(key="own_build").click().run()
    assert not app.exception
    assert sorted(pd.read_parquet(tmp_path / "own.parquet")["label"]) == ["COVID-19", "Normal", "Normal"]


def test_on_a_shared_host_nothing_is_read_from_its_disk(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    app = opened(view="Get images")
    assert "Images cannot be added" in page_text(app)
    assert "manifest_path" not in [box.key for box in app.text_input]


def test_a_manifest_chosen_on_the_page_is_known_on_the_others(manifest: Path, tmp_path: Path) -> None:
    pd.read_parquet(manifest).head(3).assign(digest="abc" + "1" * 61).to_parquet(tmp_path / "other.parquet")
    app = opened()
    app.text_input(key="manifest_path").set_value(str(tmp_path / "other.parquet")).run()
    assert "**3 images** of 3" in page_text(app)
    app.query_params.clear()
    app.query_params["image"] = image_key("abc" + "1" * 61)
    app.switch_page("pages/explain.py").run()
    assert not app.exception
    assert app.selectbox(key="image_choice").value == image_key("abc" + "1" * 61)


def test_a_demo_set_is_drawn_from_the_page_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "none.parquet"))
    monkeypatch.setenv("COVID_XRAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("ui.demo.IMAGES", 60)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "left over").write_text("")
    app = opened()
    app.button(key="demo_draw").click().run()
    assert not app.exception
    job = find_job(tmp_path / "demo-2")
    assert job is not None
    for _ in range(240):
        if job.state() != "running":
            break
        time.sleep(0.25)
    app.run()
    assert not app.exception
    assert "**60 images** of 60" in page_text(app)
    assert "no patient, free to use" in page_text(app)
    assert app.text_input(key="manifest_path").value == str(tmp_path / "demo-2" / "manifest.parquet")
    assert find_job(tmp_path / "demo-2") is None
