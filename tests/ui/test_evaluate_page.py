"""The Evaluate page driven through AppTest, from the entry script."""

import json
from pathlib import Path

import pandas as pd
import pytest
from drawn_report import write_drawn_report
from streamlit.testing.v1 import AppTest

from covid_model.audit.referee_results import pointing_of, referee_results
from covid_model.errors import DataError
from covid_model.evaluation.groups import GROUPINGS
from covid_model.evaluation.stored import SHIPPED, find_reports, read_report
from covid_model.models.card import read_card
from covid_model.models.specs import MODELS
from covid_model.models.specs import SHIPPED as SHIPPED_MODELS
from covid_model.settings import ASSETS, MANIFEST, REPORTS, WEIGHTS
from ui.evaluate.errors import ALL_ERRORS, CHOICE
from ui.evaluate.groups import group_rows
from ui.evaluate.overview import FIELD, OURS, reference_rows

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Scores", "Threshold", "Errors", "Groups", "Shortcuts", "Two models", "Download")


@pytest.fixture
def drawn(tmp_path: Path, noisy_manifest: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report whose first 20 images are those of the noisy manifest."""
    monkeypatch.setenv(REPORTS.variable, str(tmp_path))
    monkeypatch.setenv(MANIFEST.variable, str(noisy_manifest))
    write_drawn_report(tmp_path / "drawn", pd.read_parquet(noisy_manifest)["digest"].tolist())
    return tmp_path / "drawn"


def opened(part: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page("pages/evaluate.py")
    for name, value in ({"part": part} | query).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("report", sorted(path.name for path in SHIPPED.iterdir()))
def test_every_part_of_every_shipped_report_shows(report: str) -> None:
    app = opened("Scores", report=report)
    images = read_report(SHIPPED / report).test["images"]
    assert any(f"{images:,} test images" in caption.value for caption in app.main.caption)
    for part in PARTS[1:]:
        app.session_state["part"] = part
        app.run()
        assert not app.exception
        assert not app.error


def test_shipped_reports_hold_numbers_only_and_are_small() -> None:
    assert find_reports().keys() >= {"lungs", "whole-image"}
    for path in (ASSETS / "reports").rglob("*.*"):
        assert path.stat().st_size < 300_000
        assert path.name in ("report.json", "predictions.parquet", "shortcuts.json", "heatmaps.json")
    for folder in SHIPPED.iterdir():
        report = read_report(folder)
        assert not {"path", "view", "sex", "age", "finding", "link"} & set(report.predictions)
        rows = report.predictions[report.predictions["split"] == "test"]
        assert len(rows) == report.test["images"]


@pytest.mark.parametrize("key", SHIPPED_MODELS)
def test_a_shipped_report_is_of_the_shipped_weights_and_agrees_with_the_card(key: str) -> None:
    report, card = read_report(SHIPPED / key).content, read_card(WEIGHTS / MODELS[key].card_name)
    assert report["weights_sha256"] == card.weights_sha256
    assert report["data_hash"] == card.scores["data_hash"], "the split that no model was trained against"
    on_card, measured = card.scores["test"]["scores"], report["splits"]["test"]["scores"]
    for name in ("accuracy", "balanced_accuracy", "auc/COVID-19", "sensitivity/COVID-19"):
        assert measured[name]["value"] == pytest.approx(on_card[name]["value"], abs=0.005), name


def test_the_threshold_restates_errors_as_people(drawn: Path) -> None:
    app = opened("Threshold", report="drawn")
    shown = {metric.label: int(metric.value.replace(",", "")) for metric in app.metric}
    assert shown["finds"] + shown["misses"] == pytest.approx(100, abs=1)
    assert shown["alarms for nothing"] + shown["clears rightly"] == pytest.approx(900, abs=1)
    app.select_slider(key="threshold").set_value(0).run()
    everybody = {metric.label: metric.value for metric in app.metric}
    assert everybody == {"finds": "100", "misses": "0", "alarms for nothing": "900", "clears rightly": "0"}
    app.select_slider(key="prevalence").set_value(0.5).run()
    assert next(metric.value for metric in app.metric if metric.label == "finds") == "500"
    assert any("Of those called, 50%" in text.value for text in app.main.markdown)
    app.button(key="go_specificity_0.95").click().run()
    grid = read_report(drawn).content["curves"]["threshold"]
    chosen = read_report(drawn).thresholds_by_class["COVID-19"]["specificity_0.95"]
    assert grid[app.select_slider(key="threshold").value] == pytest.approx(chosen, abs=0.006)


def test_a_cell_shows_its_images_and_says_which_it_cannot_open(drawn: Path) -> None:
    report = read_report(drawn)
    rows = report.predictions[report.predictions["split"] == "test"]
    app = opened("Errors", report="drawn")
    wrong = (rows["class"] != rows["predicted"]).sum()
    assert any(f"**{wrong} images**" in text.value for text in app.main.markdown)
    counts = report.test["confusion"]
    app.selectbox(key=CHOICE).set_value("0-0").run()
    assert not app.exception
    assert app.query_params["cell"] == "0-0"
    assert any(f"**{counts[0][0]} images**" in text.value for text in app.main.markdown)
    inside = rows[(rows["class"] == "COVID-19") & (rows["predicted"] == "COVID-19")]
    here = int((inside["digest"] < f"{20:064x}").sum())
    assert 0 < here < len(inside) <= 18, "the drawn report has images of both kinds in this cell"
    assert len([caption for caption in app.main.caption if "→ COVID-19" in caption.value]) == here
    assert any(f"{len(inside) - here} of these {len(inside)} images are not in" in text.value for text in app.main.caption)
    app.selectbox(key=CHOICE).set_value(ALL_ERRORS).run()
    assert "cell" not in app.query_params


def test_without_a_manifest_the_errors_are_listed_as_numbers(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MANIFEST.variable, str(tmp_path / "none.parquet"))
    app = opened("Errors", report="drawn")
    assert any("cannot be opened here" in info.value for info in app.info)
    assert {"true", "predicted"} <= {"true" if name == "class" else name for name in app.dataframe[0].value}


def test_mean_heatmaps_show_with_the_share_and_verdict_of_each_image(drawn: Path) -> None:
    assert any("no mean heatmaps" in info.value for info in opened("Errors", report="drawn").info)
    report = read_report(drawn)
    part = {
        **{"images": 7, "without_map": 1, "map": [[50, 150], [100, 100]], "lungs": [[0, 100], [0, 100]]},
        "attention": {"value": 0.4, "low": 0.3, "high": 0.5},
    }
    means = {"weights_sha256": report.content["weights_sha256"], "method": "gradcam", "cells": {"0-1": part}}
    (drawn / "heatmaps.json").write_text(json.dumps(means | {"sources": {"one": part, "two": part}}))
    rows = report.predictions.assign(attention=0.25, verdict="supported")
    rows.loc[rows.index[0], "attention"] = float("nan")
    rows.to_parquet(drawn / "predictions.parquet")
    app = opened("Errors", report="drawn", cell="0-0")
    assert len([one for one in app.main.caption if "25% in the lungs, supported" in one.value]) >= 1
    assert any("Mean Grad-CAM heatmap" in caption.value for caption in app.main.caption)
    app.session_state["lung_shares"] = True
    app.run()
    shares = app.dataframe[-1].value
    assert shares["images of"].tolist() == ["COVID-19 called Pneumonia", "one", "two"]
    assert shares["share inside the lungs"].tolist() == ["40% (30% to 50%)"] * 3


def test_a_damaged_report_is_one_sentence_and_the_others_still_show(drawn: Path) -> None:
    (drawn / "report.json").write_text("{}")
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page("pages/evaluate.py").run()
    assert not app.error
    app.selectbox(key="report_choice").set_value("drawn").run()
    assert not app.exception
    assert "run `evaluate` again" in app.error[0].value


def test_groups_without_a_score_are_named(drawn: Path) -> None:
    report = read_report(drawn)
    rows, hidden = group_rows(report, "auc/COVID-19")
    assert rows[0].title == "All test images: all images (n = 70)"
    small = {f"{name} (n = {part['images']})" for name, part in report.test["by_age"].items() if part["images"] < 20}
    assert small
    assert small <= set(hidden)
    assert len(rows) + len(hidden) == 1 + sum(len(report.test[f"by_{key}"]) for key in GROUPINGS)
    assert reference_rows(report)[0].group == OURS
    assert {row.title for row in reference_rows(report) if row.group == FIELD} >= {"CAD4COVID-XRay", "DeepCOVID-XR"}


def test_two_models_are_compared_on_the_images_both_have(drawn: Path) -> None:
    write_drawn_report(drawn.parent / "other", [], seed=0, title="Other")
    app = opened("Two models", report="drawn")
    app.selectbox(key="with_choice").set_value("other").run()
    assert not app.exception
    # the same drawn images but for the first 20, which have the digests of the manifest
    assert any("50 test images that both have" in text.value for text in app.main.markdown)
    assert (app.dataframe[0].value["difference"] == "+0.000 (+0.000 to +0.000)").all()
    assert len(app.dataframe) == 1, "without shortcut audits nothing is said of what they rest on"


def test_two_shipped_models_stand_with_where_they_look_and_what_they_could_use_instead() -> None:
    app = opened("Two models", report="lungs")
    app.selectbox(key="with_choice").set_value("whole-image").run()
    assert not app.exception
    rows = app.dataframe[1].value.set_index("measure").T
    for report in (read_report(SHIPPED / name) for name in ("lungs", "whole-image")):
        audit = report.shortcuts
        assert audit
        row, pointing = (
            rows.loc[report.content["title"]],
            pointing_of(report.name, report.content["weights_sha256"], referee_results()),
        )
        for part in ("silhouette", "lungs removed"):
            assert row[f"COVID-19 told from “{part}”"].startswith(f"{audit['matrix'][part][part]['value']:.2f} (")
        boxes = pointing["boxes"]
        assert row[f"on RSNA boxes (n = {boxes['images']})"].startswith(f"{boxes['value']:.2f} (")
        assert row["source told"].startswith(f"{audit['source']['whole image']['value']:.2f} (")


def test_the_shortcut_audit_says_in_one_line_what_needs_no_lungs(drawn: Path) -> None:
    assert any("no shortcut audit" in info.value for info in opened("Shortcuts", report="drawn").info)
    names = ("whole image", "lungs only", "lungs removed")

    def score(value: float) -> dict[str, float | int]:
        return {"value": value, "low": value - 0.05, "high": value + 0.05, "images": 30, "patients": 20}

    auc = {"whole image": 0.9, "lungs only": 0.8, "lungs removed": 0.88}
    audit = {
        "weights_sha256": read_report(drawn).content["weights_sha256"],
        "finding": "COVID-19",
        "images": {"train": 70, "test": 30},
        "matrix": {one: {other: score(auc[other]) for other in names} for one in names},
        "without_network": {"histogram": score(0.7)},
        "source": {name: score(0.6) for name in names},
        "leave_one_out": {"one": {"auc": score(0.6), "called_with": score(0.5), "called_without": score(0.2)}},
        "marker_flips": score(0.125),
        "shortcut_ratio": 0.95,
        "without_lungs": "lungs removed",
        "told": {"view": score(0.7), "age": {"value": None, "low": None, "high": None}},
        "between_sources": {
            "one": {"one": score(0.8), "two": {"value": None, "low": None, "high": None, "why": "two has no test images"}}
        },
        "elsewhere": {
            **{"here": score(0.9), "shuffled": score(0.8), "estimate": score(0.6)},
            "measured": {"cells": 2, "low": 0.55, "high": 0.71},
        },
        "leakage": {"images": 100, "patients": 1, "near_duplicates": 3},
    }
    (drawn / "shortcuts.json").write_text(json.dumps(audit))
    app = opened("Shortcuts", report="drawn")
    said = [heading.value for heading in app.main.subheader]
    assert said == [
        "AUC 0.90 from the whole image, 0.88 from “lungs removed”: 95% of what is above chance needs nothing in the lungs"
    ]
    assert any("12.5% (7.5% to 17.5%)" in caption.value for caption in app.main.caption)
    assert any("the label alone" in str(chart.proto) for chart in app.get("plotly_chart"))
    assert app.dataframe[0].value["source left out"].tolist() == ["one"]
    assert any("AUC is 0.55 to 0.71 (cells: 2)" in caption.value for caption in app.main.caption)
    assert any("is 0.60 (0.55 to 0.65): AUC of whole images, 0.90" in caption.value for caption in app.main.caption)
    assert app.warning[0].value.startswith("Leakage: of 100 images, 1 patients and 3 pairs")
    app.session_state["source_cells"] = True
    app.run()
    cells = app.dataframe[0].value
    assert cells["AUC, or why there is none"].tolist() == ["0.80 (0.75 to 0.85)", "two has no test images"]

    del audit["leakage"]
    (drawn / "shortcuts.json").write_text(json.dumps(audit))
    with pytest.raises(DataError, match="lacks leakage; run `audit --shortcuts` again"):
        read_report(drawn).shortcuts()

    del audit["without_lungs"]  # as audits were written once
    (drawn / "shortcuts.json").write_text(json.dumps(audit))
    with pytest.raises(DataError, match="run `audit --shortcuts` again"):
        read_report(drawn).shortcuts()
