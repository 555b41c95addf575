"""The Dataset page's views of all images at once: what gives labels away, quality, and measuring."""

import json
from pathlib import Path

import pandas as pd
import pytest
from dataset_page import opened
from shown import page_text

from covid_model.data.leave_out import listed_images
from covid_model.data.sources.kermany import KERMANY
from covid_model.data.tags import set_tags


def test_what_gives_labels_away_and_what_is_wrong(manifest: Path) -> None:
    assert f"all 15 images of {KERMANY.name} show children, 5 of them with COVID-19" in page_text(opened(view="Understand"))
    assert "The map needs" in page_text(opened(view="Map"))
    assert "CC BY 4.0" in page_text(opened())
    assert "Near-duplicates" in str([frame.value.to_dict() for frame in opened(view="Quality").dataframe])


def test_a_list_of_the_quality_checks_opens_in_the_grid_until_lifted(manifest: Path) -> None:
    app = opened()
    app.session_state["view"] = "Quality"
    app.run()
    app.selectbox(key="check").set_value("near").run()
    button = next(button for button in app.button if (button.key or "").startswith("narrow_"))
    assert button.label == "Browse these 30"
    button.click().run()
    assert not app.exception
    assert app.session_state["view"] == "Browse"
    assert "**30 images** of 30" in page_text(app)
    app.multiselect[0].select("elsewhere").run()
    assert "**15 images** of 30" in page_text(app), "filters narrow further"
    app.button(key="narrow_lift").click().run()
    assert "narrow_lift" not in [button.key for button in app.button]


def test_a_finding_offers_its_list_and_leaves_images_out_of_the_next_manifest(manifest: Path) -> None:
    app = opened(view="Quality")
    app.selectbox(key="check").set_value("near").run()
    assert app.get("download_button")
    left = next(button for button in app.button if button.key == "leave_out")
    left.click().run()
    assert not app.exception
    count = len(listed_images(manifest))
    assert 0 < count < 30, "one of each group of copies stays"
    assert f"**{count} images are to be left out.**" in page_text(app)
    assert "--leave-out" in str([code.value for code in app.code])
    assert "leave_out" not in [button.key for button in app.button], "all of it is listed"
    app.button(key="leave_out_clear").click().run()
    assert listed_images(manifest) == {}


def test_a_public_copy_shows_images_and_findings_and_writes_nothing(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_tags(manifest, f"{0:016x}" + "0" * 48, ["seen"])
    before = {path.name for path in manifest.parent.iterdir()} - {"cache"}
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    app = opened(view="Quality")
    app.selectbox(key="check").set_value("near").run()
    assert not {"leave_out", "measure", "demo_draw"} & {button.key for button in app.button}
    app = opened()
    app.button(key="open_grid_0").click().run()
    assert "Tags: seen" in " ".join(caption.value for caption in app.caption)
    assert not [box for box in app.multiselect if box.label == "Tags"]
    assert {path.name for path in manifest.parent.iterdir()} - {"cache"} == before


def test_bars_are_shares_with_one_legend(manifest: Path) -> None:
    app = opened(view="Understand")
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    legends = [chart for chart in charts if any(trace.get("showlegend") for trace in chart["data"])]
    assert len(legends) == 1
    assert [trace["name"] for trace in legends[0]["data"]] == ["COVID-19", "Pneumonia", "Normal"]
    bars = [chart for chart in charts if chart["data"][0]["type"] == "bar" and chart is not legends[0]]
    assert bars
    for chart in bars:
        assert chart["layout"]["showlegend"] is False
        for shares in zip(*(trace["x"] for trace in chart["data"]), strict=True):
            assert sum(shares) == pytest.approx(1)


def test_images_are_measured_from_the_page(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr("ui.dataset.measuring.start_job", lambda *arguments: started.append(arguments))
    app = opened(view="Map")
    assert "Not measured yet" in page_text(app)
    app.selectbox(key="measure_model").set_value("whole-image")
    app.button(key="measure").click().run()
    out = manifest.with_name("images-measured.parquet")
    wanted = ["data", "measure", "--manifest", str(manifest), "--model", "whole-image", "--out", str(out)]
    assert started == [(wanted, out, out, "Measuring")]
    pd.read_parquet(manifest).assign(
        model="lungs", weights="a", predicted="Normal", confidence=0.9, correct=True
    ).to_parquet(out)
    app.run()
    app.button(key="measure_open").click().run()
    assert app.text_input(key="manifest_path").value == str(out)
    assert not [button for button in app.button if button.key == "measure"]
