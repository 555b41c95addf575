"""Heatmaps against radiologists: zones, boxes, intervals by patient, on drawn images with known answers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import IMAGE, SIDE, classifier_on, lung_area

from covid_model.api.model import Model
from covid_model.audit import referees
from covid_model.audit.referee_results import BASELINES, JUNIOR, findings, maps_of, pointing_of
from covid_model.audit.referee_summary import ZONE_PRIOR, clustered, earlier_results, summarise_referees, with_kept
from covid_model.audit.referees import measure_referees
from covid_model.audit.zones import holm, zone_correlation, zone_masks, zone_means
from covid_model.data.annotations import BRIXIA_FILE, RSNA_FOLDER, ZONES
from covid_model.data.marked import BOXES, ZONE_SCORES, marked_images
from covid_model.errors import DataError
from covid_model.explain.methods import METHODS

BOX = 64, 32  # a square of 32 pixels: column, row of its corner on an image of 128 pixels


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Three images: boxed, read as normal, and scored by zone."""
    (tmp_path / "images").mkdir()
    (tmp_path / RSNA_FOLDER).mkdir()
    (tmp_path / "annotations").mkdir()
    rows = []
    for number, name in enumerate(("boxed", "normal", "scored")):
        grey = np.random.default_rng(number).integers(20, 60, (IMAGE, IMAGE)).astype(np.uint8)
        grey[lung_area(IMAGE)] += 120
        path = tmp_path / "images" / f"{name}.png"
        Image.fromarray(grey).save(path)
        rows.append((str(path), f"patient {number}", "test", "COVID-19", f"{number}" * 64))
    challenge = tmp_path / RSNA_FOLDER
    (challenge / "mapping.csv").write_text("patientId,Image Index\np1,boxed.png\np2,normal.png\n")
    (challenge / "stage_2_detailed_class_info.csv").write_text("patientId,class\np1,Lung Opacity\np2,Normal\n")
    box = [8 * value for value in (*BOX, 32, 32)]
    labels = f"p1,{','.join(map(str, box))},1\np2,,,,,0\n"
    (challenge / "stage_2_train_labels.csv").write_text(f"patientId,x,y,width,height,Target\n{labels}")
    columns = [f"{reader}-{zone}" for reader in "SJ" for zone in ZONES]
    (tmp_path / BRIXIA_FILE).write_text(f"filename,{','.join(columns)}\nscored.png,0,1,2,0,1,3,0,1,2,0,1,3\n")
    return pd.DataFrame(rows, columns=["path", "patient", "split", "label", "digest"])


def test_boxes_become_masks_in_pixels_of_the_image(table: pd.DataFrame) -> None:
    boxed, scored = marked_images(table)
    mask = boxed.masks((IMAGE, IMAGE))[BOXES]
    expected = np.zeros((IMAGE, IMAGE), bool)
    expected[BOX[1] : BOX[1] + 32, BOX[0] : BOX[0] + 32] = True
    assert (mask == expected).all()
    assert (boxed.zones, scored.masks((IMAGE, IMAGE))) == ({}, {})
    assert set(scored.zones) == {"senior", "junior"}


def test_zones_are_thirds_of_each_lung() -> None:
    masks = zone_masks(lung_area(96))
    assert (np.logical_or.reduce(list(masks.values())) == lung_area(96)).all()
    assert sum(mask.sum() for mask in masks.values()) == lung_area(96).sum()
    rows, cols = np.array([np.argwhere(masks[zone]).mean(axis=0) for zone in ZONES]).T
    assert rows[0] < rows[1] < rows[2] and rows[3] < rows[4] < rows[5]
    assert cols[:3].max() < cols[3:].min(), "the patient's right is on the left of the image"
    heatmap = masks["C"].astype(np.float32) - masks["A"]
    assert zone_means(heatmap, lung_area(96)) == {zone: float(zone == "C") for zone in ZONES}
    assert all(np.isnan(value) for value in zone_means(heatmap, np.zeros((96, 96), bool)).values())


def test_the_correlation_of_zones_needs_scores_that_differ() -> None:
    score = dict(zip(ZONES, (0, 1, 2, 0, 1, 3), strict=True))
    assert zone_correlation({zone: -value for zone, value in score.items()}, score) == -1
    assert np.isnan(zone_correlation(score, dict.fromkeys(ZONES, 2)))
    assert np.isnan(zone_correlation(score | {"A": float("nan")}, score))


def test_a_run_scores_every_map_and_continues(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(classifier_on(lung_area(SIDE)))
    monkeypatch.setattr(referees.LungSegmenter, "load", lambda: model.classifier.segmenter)
    found = list(measure_referees([model], table, tmp_path / "out"))
    assert [(one["model"], one["patient"]) for one in found] == [
        (key, patient) for key in (BASELINES, "toy") for patient in ("patient 0", "patient 2")
    ]
    uniform = found[0]["maps"]["uniform in lungs"][BOXES]
    box = np.zeros((IMAGE, IMAGE), bool)
    box[BOX[1] : BOX[1] + 32, BOX[0] : BOX[0] + 32] = True
    assert uniform["energy"] == pytest.approx((box & lung_area(IMAGE)).sum() / lung_area(IMAGE).sum())
    assert uniform["area"] == pytest.approx(1 / 16)
    assert found[1]["junior"] == 1.0
    assert found[1]["maps"]["uniform in lungs"][ZONE_SCORES] == {"senior": 0.0, "junior": 0.0}
    assert set(found[2]["maps"]) == {*referees.QUICK, *referees.LONGER, *referees.LONGEST}
    with monkeypatch.context() as patch:
        patch.setattr(referees, "_record", lambda *_: pytest.fail("measured again"))
        assert list(measure_referees([model], table, tmp_path / "out")) == found
        patch.setattr(referees, "_record", lambda *_: {"maps": {}})
        patch.setattr(referees, "outline_sha256", lambda: "of others")
        assert not any(one["maps"] for one in measure_referees([model], table, tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        list(measure_referees([model], table, tmp_path / "file"))


def test_maps_that_a_record_lacks_are_added(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(classifier_on(lung_area(SIDE)))
    monkeypatch.setattr(referees.LungSegmenter, "load", lambda: model.classifier.segmenter)
    monkeypatch.setattr(referees, "QUICK", ("gradcam",))
    table["split"] = "train"
    first = list(measure_referees([model], table, tmp_path / "out"))
    assert {tuple(one["maps"]) for one in first if one["model"] == "toy"} == {("gradcam",)}
    monkeypatch.setattr(referees, "QUICK", ("gradcam", "hirescam"))
    made, explain = [], referees.explain
    monkeypatch.setattr(referees, "explain", lambda *a, **k: made.append(k["method"]) or explain(*a, **k))
    again = list(measure_referees([model], table, tmp_path / "out"))
    assert made == ["hirescam"] * 2, "what is known is not measured again"
    assert {tuple(one["maps"]) for one in again if one["model"] == "toy"} == {("gradcam", "hirescam")}
    assert [one["maps"]["gradcam"] for one in again[2:]] == [one["maps"]["gradcam"] for one in first[2:]]


def test_slow_methods_are_left_to_test_images_and_to_quick_models() -> None:
    classifier = classifier_on(lung_area(SIDE))
    ours, other = Model(classifier), Model(replace(classifier, card=replace(classifier.card, replication=True)))
    assert referees._maps_to_make(ours, "train") == referees._maps_to_make(other, "val") == referees.QUICK
    assert set(referees.LONGER) < set(referees._maps_to_make(other, "test"))
    assert not set(referees.LONGEST) & set(referees._maps_to_make(other, "test"))
    left_out = {"gradcam-tkv", "rise"}  # the same map as gradcam by another library, and the slowest
    assert set(referees._maps_to_make(ours, "test")) == METHODS.keys() - left_out


def test_intervals_by_patient_are_wider_than_by_image_and_cover_the_truth() -> None:
    rng, covered = np.random.default_rng(0), []
    patients = [f"{number // 4}" for number in range(120)]
    for _ in range(200):
        values = np.repeat(rng.normal(0.3, 1, 30), 4) + rng.normal(0, 0.1, 120)
        found = clustered(patients, values, draws=400)
        covered.append(found.low <= 0.3 <= found.high)
    assert 0.89 <= np.mean(covered) <= 0.99
    by_image = clustered([str(number) for number in range(120)], values, draws=400)
    assert found.high - found.low > 1.6 * (by_image.high - by_image.low)


def test_p_values_err_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    found = [clustered([str(k) for k in range(40)], rng.normal(0, 1, 40), draws=400).p for _ in range(300)]
    assert 0.02 <= np.mean(np.array(found) < 0.05) <= 0.09
    assert clustered(["a"], np.array([np.nan])).value is None


def test_holm_controls_all_tests_together() -> None:
    assert holm([0.001, 0.5, 0.02]) == pytest.approx([0.003, 0.5, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def records(better: float) -> list[dict[str, Any]]:
    """40 patients: a map of the model "m" beats the baseline by `better`, with a little noise."""
    rng, found = np.random.default_rng(2), []
    for number in range(40):
        zones = dict(zip(ZONES, (0, 1, 2, 0, 1, 3), strict=True)) if number < 5 else {}
        known = {"image": f"{number}", "patient": f"p{number}", "split": "test" if number < 20 else "train"}
        base = float(rng.uniform(0.2, 0.4))
        scores = {"hit": 1.0, "energy": 0.5, "auprc": base}
        own = scores | {"auprc": base + better + float(rng.normal(0, 0.02))}
        of_zones = {ZONE_SCORES: {"senior": 0.5, "junior": 0.4}} if zones else {}
        found.append(
            {**known, "model": BASELINES, "weights": "", "zones": zones, "junior": 0.9 if zones else None}
            | {"maps": {"edges": {BOXES: scores, **of_zones}}}
        )
        maps = {"gradcam": {BOXES: own, **of_zones}, "hirescam": {BOXES: own | {"auprc": own["auprc"] - 0.05}}}
        if number < 20:
            maps["rise"] = {BOXES: scores}
        found.append({**known, "model": "m", "weights": "1", "maps": maps})
    return found


def test_a_map_is_compared_with_the_best_baseline_on_the_same_images() -> None:
    results = summarise_referees(records(0.1))
    for split, images in (("test", 20), ("all", 40)):
        found = results["splits"][split][BOXES]
        assert (found["images"], found["patients"], found["best_baseline"]) == (images, images, "edges")
        hits = [one["scores"]["hit"] for one in found["maps"]]
        assert {(hit["value"], hit["low"], hit["high"]) for hit in hits} == {(1.0, 0.025 ** (1 / images), 1.0)}
        measured = {one["method"]: one for one in found["maps"] if one["model"] == "m"}
        assert measured.keys() == ({"gradcam", "hirescam", "rise"} if split == "test" else {"gradcam", "hirescam"}), (
            "a map is listed where it was measured on every image"
        )
        assert measured["hirescam"]["to_default"]["value"] == pytest.approx(-0.05)
        assert measured["hirescam"]["to_default"]["p"] < 0.01
        assert measured["gradcam"]["to_default"] is None, "the default method itself"
        gap = measured["gradcam"]["to_baseline"]
        assert gap["low"] < 0.1 < gap["high"] or gap["value"] == pytest.approx(0.1, abs=0.01)
        assert gap["p_holm"] < 0.05
    zones = results["splits"]["all"][ZONE_SCORES]
    assert zones["junior against senior"]["value"] == pytest.approx(0.9)
    assert zones["best_baseline"] == ZONE_PRIOR, "five images with the same scores predict one another"
    equal = summarise_referees(records(0.0))["splits"]["all"][BOXES]["maps"]
    assert next(one for one in equal if one["method"] == "gradcam")["to_baseline"]["p"] > 0.05


def test_models_that_were_not_measured_again_are_kept_as_if_they_had_been() -> None:
    first = records(0.1)
    second = [one | {"model": "n", "weights": "2"} for one in records(0.02) if one["model"] == "m"]
    baselines = [one for one in first if one["model"] == BASELINES]
    before = json.loads(json.dumps(summarise_referees(first)))
    found, together = with_kept(summarise_referees([*baselines, *second]), before), summarise_referees([*first, *second])
    assert found["kept"] == {"m": before["date"]} and found["weights_sha256"] == together["weights_sha256"]
    for split, cells in together["splits"].items():
        for referee, whole in cells.items():
            by_map = [
                {(one["model"], one["method"]): one for one in maps}
                for maps in (found["splits"][split][referee]["maps"], whole["maps"])
            ]
            assert list(by_map[0]) == list(by_map[1]), "in the same order"
            assert by_map[0] == by_map[1], "p-values are corrected over all maps together"
    again = with_kept(summarise_referees(first), json.loads(json.dumps(found)))
    assert again["kept"] == {"n": found["date"]}, "a model is as old as its measurement"


def test_nothing_is_kept_of_other_images_or_other_baseline_maps() -> None:
    only_new = [one | ({} if one["model"] == BASELINES else {"model": "n"}) for one in records(0.1)]
    before = summarise_referees(records(0.1))
    assert "kept" not in with_kept(summarise_referees(only_new[2:]), before), "an image less"
    only_new[0]["maps"]["edges"][BOXES]["energy"] = 0.6
    assert "kept" not in with_kept(summarise_referees(only_new), before)
    assert "kept" not in with_kept(summarise_referees(records(0.1)), before), "all were measured again"


@pytest.mark.parametrize("text", ["{", "[]", '{"date": "2026-01-01"}', "3"])
def test_an_earlier_file_that_holds_no_results_is_named(text: str, tmp_path: Path) -> None:
    assert earlier_results(tmp_path / "none.json") == {}
    assert "kept" not in with_kept(summarise_referees(records(0.1)), {})
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(DataError, match=r"other\.json holds no results of `referees`"):
        earlier_results(tmp_path / "other.json")


def test_a_page_gets_the_models_maps_the_best_baseline_and_the_second_reader() -> None:
    results = summarise_referees(records(0.1))
    shown = maps_of("m", "1", results)
    assert list(shown[BOXES]) == ["edges", "Grad-CAM", "HiResCAM", "RISE"]
    test = results["splits"]["test"]
    assert shown[BOXES]["Grad-CAM"] == next(
        one["scores"]["auprc"] for one in test[BOXES]["maps"] if one["method"] == "gradcam"
    )
    assert shown[ZONE_SCORES][JUNIOR]["value"] == pytest.approx(0.9)
    assert maps_of("m", "another digest", results) == {} == maps_of("m", "1", {})
    (gradcam,) = (one for one in test[BOXES]["maps"] if (one["model"], one["method"]) == ("m", "gradcam"))
    assert pointing_of("m", "1", results)[BOXES] == gradcam["scores"]["hit"]
    assert ZONE_SCORES not in pointing_of("m", "1", results), "zones have no pointing game"
    assert pointing_of("m", "another digest", results) == {} == pointing_of("m", "1", {})


def test_a_finding_counts_the_maps_that_are_better_or_worse_beyond_chance() -> None:
    boxes, zones = findings("m", summarise_referees(records(0.1)))
    assert boxes.startswith("RSNA boxes, 20 test images: of 3 maps 2 agree better with radiologists than “edges”, ")
    assert boxes.endswith(" and 0 worse.")
    assert zones.startswith("Brixia zones, 5 test images: of ")
    assert "of 3 maps 0 agree better" in findings("m", summarise_referees(records(-0.2)))[0]
    assert "and 2 worse." in findings("m", summarise_referees(records(-0.2)))[0]
    assert findings("unknown", summarise_referees(records(0.1))) == []
