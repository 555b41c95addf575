"""Each trust test on toy models whose evidence is known."""

import numpy as np
import pytest
from cases import CLASSES, IMAGE, SIDE, case_of, classifier_on, corner, image_with, lung_area, lung_case, marker_case

from covid_model.audit import agreement, faithfulness, localisation, randomisation, region_ablation, stability
from covid_model.audit.baseline_maps import BASELINE_MAPS, sobel_edges
from covid_model.audit.source import SourceProbe, embedding, load_probe, source
from covid_model.audit.trust_tests import TRUST_TESTS, run_tests
from covid_model.audit.verdict import verdict, withheld
from covid_model.explain.energy import energy_in_mask
from covid_model.explain.methods import METHODS, Method


def edges(model, batch, target, *, layer, seed=0, progress=None, **options):
    """A broken explainer: the edges of the image, whatever the model says, as guided backpropagation tends to."""
    return sobel_edges(batch[0, ..., 0], np.ones(batch.shape[1:3], bool))


@pytest.fixture
def edge_detector(monkeypatch: pytest.MonkeyPatch) -> str:
    row = Method("edges", "Edges", "broken", edges, False, 0.01, "none 2026", "Edges.", "Nothing.", needs_layer=False)
    monkeypatch.setitem(METHODS, "edges", row)
    return "edges"


def test_a_model_that_uses_the_lungs_is_supported() -> None:
    case = lung_case()
    scores = list(run_tests(case))
    outcomes = {score.key: score.outcome for score in scores}
    assert {key for key, row in TRUST_TESTS.items() if row.decides} == {k for k, o in outcomes.items() if o == "passed"}
    assert verdict(case, scores).word == "supported"


def test_a_planted_marker_is_caught_by_place_and_by_twin() -> None:
    case = marker_case()
    scores = {score.key: score for score in run_tests(case)}
    assert scores["attention"].outcome == "failed"
    assert scores["attention"].value < 0.05
    assert scores["region_ablation"].outcome == "failed"
    assert scores["region_ablation"].value == pytest.approx(case.probability, abs=0.02), "the lungs do not matter to it"
    found = verdict(case, list(scores.values()))
    assert found.word == "not supported"
    assert "lies inside the lungs" in found.why


def test_an_edge_detector_is_caught_whatever_the_model(edge_detector: str) -> None:
    case = lung_case(edge_detector)
    score = randomisation.weight_randomisation(case)
    assert score.value == pytest.approx(1.0)
    assert score.outcome == "failed"
    assert "whatever the model had learned" in score.sentence
    assert verdict(case, list(run_tests(case))).word == "not supported"


def test_randomisation_leaves_the_model_as_it_was_and_starts_at_the_logits() -> None:
    case = lung_case()
    before = [weights.copy() for weights in case.classifier.network.get_weights()]
    first, second = randomisation.weight_randomisation(case), randomisation.weight_randomisation(case)
    assert first.details["stages"] == second.details["stages"], "it repeats"
    for old, new in zip(before, case.classifier.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert randomisation.stages(case.classifier.network) == [["logits"], ["conv"]]
    assert randomisation.stages(case.classifier.network, 1) == [["logits", "conv"]]
    assert first.outcome == "passed"


def test_without_measured_pairs_two_tests_cannot_decide() -> None:
    case = lung_case()
    case.measured = {}
    assert randomisation.weight_randomisation(case).outcome == "unclear"
    assert stability.stability(case).outcome == "unclear"


def test_deletion_of_a_sum_model_has_the_closed_form() -> None:
    image, fill = np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 1), np.float32)
    image[:2, :, 0] = 1

    def total(images: np.ndarray) -> np.ndarray:
        return images.sum(axis=(1, 2, 3)).astype(np.float64)

    best = np.arange(16)
    assert faithfulness.curve(image, fill, best, total, 4, insert=False) == [8, 4, 0, 0, 0]
    assert faithfulness.curve(image, fill, best, total, 4, insert=True) == [0, 4, 8, 8, 8]
    assert faithfulness.curve(image, fill, best[::-1], total, 4, insert=False) == [8, 8, 8, 4, 0]
    assert faithfulness.area([8, 4, 0, 0, 0]) == pytest.approx(2.0)


def test_a_reversed_map_fails_faithfulness() -> None:
    case = lung_case()
    assert faithfulness.deletion_insertion(case).outcome == "passed"
    case.explanation.layer_map[:] = -case.explanation.layer_map
    score = faithfulness.deletion_insertion(case)
    assert score.outcome == "failed"
    assert score.value < 0
    assert set(score.details["controls"]) == {"random", "blurred random"}


def test_stability_of_a_linear_model_is_small_and_of_a_jumpy_map_large(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = stability.stability(lung_case())
    assert calm.outcome == "passed"
    assert calm.value < 0.2
    rng = np.random.default_rng(0)

    def jumpy(model, batch, target, *, layer, seed=0, progress=None, **options):
        return rng.random(batch.shape[1:3]).astype(np.float32) ** 4

    row = Method("edges", "Jumpy", "broken", jumpy, False, 0.01, "none 2026", "Noise.", "Nothing.", needs_layer=False)
    monkeypatch.setitem(METHODS, "edges", row)
    assert stability.stability(lung_case("edges")).outcome == "failed"


@pytest.mark.parametrize("name", stability.ALTERATIONS)
def test_alterations_are_small_and_keep_the_shape(name: str) -> None:
    pixels = image_with(lung_area(IMAGE)).pixels
    changed = stability.ALTERATIONS[name](pixels, np.random.default_rng(0))
    assert changed.shape == pixels.shape
    assert 0 < np.abs(changed - pixels).mean() < 0.05


def test_agreement_of_a_map_with_its_like_is_high() -> None:
    score = agreement.agreement(lung_case())
    names, rank = score.details["methods"], np.array(score.details["rank"])
    assert names[0] == "hirescam"
    np.testing.assert_allclose(rank, rank.T, atol=1e-6)
    np.testing.assert_allclose(np.diag(rank), 1, atol=1e-6)
    assert score.outcome == "informational"
    assert rank[0, names.index("layercam")] > 0.9


@pytest.mark.parametrize("name", region_ablation.REGIONS)
def test_twins_show_what_they_say(name: str) -> None:
    pixels = np.random.default_rng(0).uniform(0.3, 1, (100, 80)).astype(np.float32)
    lungs = np.zeros((100, 80), bool)
    lungs[30:70, 20:60] = True
    shown = np.asarray(region_ablation.REGIONS[name](pixels, lungs)) == pixels
    spots = {"corner": shown[2, 2], "edge": shown[50, 2], "lungs": shown[50, 40], "beside": shown[20, 40]}
    expected = {
        "lungs removed": {"corner", "edge", "beside"},
        "lungs only": {"lungs"},
        "border only": {"corner", "edge"},
        "corners only": {"corner"},
        "centre box black": {"corner", "edge"},
        "nothing": set(),
    }[name]
    assert {spot for spot, seen in spots.items() if seen} == expected


def test_the_pointing_game_counts_hits_near_the_lesion() -> None:
    lesion = np.zeros((100, 100), bool)
    lesion[40:60, 40:60] = True
    found = np.zeros((100, 100), np.float32)
    found[50, 62] = 1
    assert localisation.hits(found, lesion) == 1, "within three pixels"
    found[50, 62], found[50, 70] = 0, 1
    assert localisation.hits(found, lesion) == 0
    assert energy_in_mask(lesion.astype(np.float32), lesion) == 1
    assert localisation.precision(lesion.astype(np.float32), lesion) == pytest.approx(1)
    assert localisation.precision(np.ones((100, 100), np.float32), lesion) == pytest.approx(0.04, abs=0.01)


def test_lesions_are_compared_with_maps_that_know_nothing() -> None:
    case = lung_case()
    assert localisation.lesions_pointed_at(case).value is None
    case.lesions = lung_area(IMAGE)
    score = localisation.lesions_pointed_at(case)
    assert score.chance == pytest.approx(1.0), "uniform in lungs is perfect here"
    case.lesions = corner(IMAGE)
    assert localisation.lesions_pointed_at(case).value < 0.05


@pytest.mark.parametrize("name", BASELINE_MAPS)
def test_baseline_maps_are_maps_without_negative_values(name: str) -> None:
    image = image_with(lung_area(IMAGE))
    found = BASELINE_MAPS[name](image.pixels, lung_area(IMAGE))
    assert found.shape == image.shape
    assert found.min() >= 0
    assert found.max() > 0


def test_the_verdict_is_withheld_for_what_the_model_does_not_believe_and_without_lungs() -> None:
    unlikely = case_of(classifier_on(lung_area(SIDE)), image_with(np.zeros((IMAGE, IMAGE), bool)))
    assert "a heatmap for what the model does not believe" in (withheld(unlikely) or "")
    assert verdict(unlikely, []).word == "withheld"
    lungless = case_of(classifier_on(lung_area(SIDE), quality="failed"), image_with(lung_area(IMAGE)))
    assert "no chest X-ray" in (withheld(lungless) or "")
    assert "same for every class" in (withheld(lung_case("eigencam")) or "")
    case = lung_case()
    assert withheld(case) is None
    assert verdict(case, []).word == "withheld", "nothing was tested"
    case.explanation.heatmap[:] = 0
    assert "Nothing on the image speaks" in (withheld(case) or "")


def test_a_difference_of_classes_is_tested_by_its_first_class() -> None:
    case = case_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)), target="COVID-19 - Normal")
    assert case.explained_class == "COVID-19"
    assert case.probability == case.prediction.probabilities["COVID-19"]


def test_the_source_probe_reads_the_embedding(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = lung_case()
    features = embedding(case.classifier.backend, case.prediction.prepared.batch)
    assert features.shape == (1, SIDE * SIDE * 2)
    size = features.shape[1]
    weights = np.zeros((2, size))
    weights[0] = 10 / size
    probe = SourceProbe(
        "toy", ("bright", "dark"), (0.0,) * size, (1.0,) * size, tuple(map(tuple, weights)), (0.0, 0.0),
        {"value": 0.9, "low": 0.8, "high": 1.0}, {"bright": 1}, "1" * 64, "2" * 64, "2026-01-01", "0",
    )  # fmt: skip
    expected = 1 / (1 + np.exp(-10 * features.mean()))
    assert probe.probabilities(features)[0, 0] == pytest.approx(expected, rel=1e-4)
    assert source(case).value is None, "no probe ships with the toy"
    probe.save(tmp_path)
    assert load_probe("toy", "1" * 64, tmp_path) == probe
    assert load_probe("toy", "9" * 64, tmp_path) is None, "it belongs to other weights"
    monkeypatch.setattr("covid_model.audit.source.load_probe", lambda *_: probe)
    score = source(case)
    assert "bright" in score.sentence
    assert score.chance == 0.5


@pytest.mark.parametrize("row", TRUST_TESTS.values(), ids=lambda row: row.key)
def test_every_trust_test_explains_itself(row) -> None:
    assert row.question.endswith("?")
    assert row.how.endswith(".")
    score = row.run(lung_case())
    assert score.key == row.key
    assert score.sentence.endswith(".")
    assert set(CLASSES) >= {lung_case().explained_class}
