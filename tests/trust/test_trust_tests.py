"""Each trust test on toy models whose evidence is known."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import (
    CLASSES,
    IMAGE,
    SIDE,
    classifier_on,
    corner,
    image_with,
    lung_area,
    lung_trust_input,
    marker_trust_input,
    run,
    trust_input_of,
)

from covid_model.explain.energy import energy_in_mask
from covid_model.explain.methods import METHODS, Method, MethodInput
from covid_model.models.card import read_card
from covid_model.models.specs import MODELS, SHIPPED
from covid_model.settings import WEIGHTS
from covid_model.trust import localisation
from covid_model.trust.baseline_maps import BASELINE_MAPS, sobel_edges
from covid_model.trust.source_probe import SourceProbe, embedding, load_probe
from covid_model.trust.trust_tests import TRUST_TESTS, faithfulness, randomisation, region_ablation, run_tests, stability
from covid_model.trust.verdict import verdict


class Edges(Method):
    """A broken explainer: the edges of the image, whatever the model says, as guided backpropagation tends to."""

    key, label, family, paper, shows, limits = "edges", "Edges", "broken", "none 2026", "Edges.", "Nothing."

    def heatmap(self, inputs: MethodInput) -> np.ndarray:
        return sobel_edges(inputs.batch[0, ..., 0], np.ones(inputs.batch.shape[1:3], bool))


@pytest.fixture
def edge_detector(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(METHODS, "edges", Edges())
    return "edges"


def test_a_model_that_uses_the_lungs_is_supported() -> None:
    inputs = lung_trust_input()
    scores = list(run_tests(inputs))
    outcomes = {score.key: score.outcome for score in scores}
    assert {key for key, row in TRUST_TESTS.items() if row.decides} == {k for k, o in outcomes.items() if o == "passed"}
    assert verdict(inputs, scores).word == "supported"


def test_a_planted_marker_is_caught_by_place_and_by_region_ablation() -> None:
    inputs = marker_trust_input()
    scores = {score.key: score for score in run_tests(inputs)}
    assert scores["attention"].value < 0.05 < scores["attention"].details["line"]
    assert "No more in the lungs than a" in scores["attention"].sentence
    assert scores["region_ablation"].doubt
    assert scores["region_ablation"].finding == "Without the lungs the model keeps most of its certainty."
    assert scores["region_ablation"].value == pytest.approx(inputs.probability, abs=0.02), "the lungs do not matter to it"
    assert scores["region_ablation"].outcome == "against", "it accuses nobody"
    assert verdict(inputs, list(scores.values())).word == "not supported"


def test_an_answer_that_would_still_be_called_without_the_lungs_is_named() -> None:
    inputs = lung_trust_input()
    score = run("region_ablation", inputs)
    kept, without = score.details["kept"], score.details["probabilities"]["lungs removed"]
    assert score.finding == f"Without the lungs the model loses {min(1, 1 - kept):.0%} of its certainty."
    name = inputs.explained_class
    for mark, called in ((without - 0.01, True), (without + 0.01, False)):
        marked = replace(inputs, prediction=replace(inputs.prediction, marks={name: mark}))
        sentence = run("region_ablation", marked).sentence
        assert sentence.endswith(f" So {name} would still be called.") == called


def test_a_model_that_is_as_sure_of_an_empty_image_says_so_beside_its_support() -> None:
    sure_of_anything = classifier_on(lung_area(SIDE), strength=0.1)
    sure_of_anything.network.get_layer("logits").bias.assign([6.0, 0.0, 0.0])
    inputs = trust_input_of(sure_of_anything, image_with(lung_area(IMAGE)))
    assert inputs.probability > 0.9
    score = run("region_ablation", inputs)
    assert score.details["probabilities"]["nothing"] == pytest.approx(inputs.probability, abs=0.01)
    assert "kept" not in score.details, "there is nothing to lose"
    assert score.outcome == "against"
    assert score.caveat == f"But on an empty image the model is as sure of {inputs.explained_class}."
    assert not score.doubt


def test_an_edge_detector_is_caught_whatever_the_model(edge_detector: str) -> None:
    inputs = lung_trust_input(edge_detector)
    score = run("randomisation", inputs)
    assert score.value == pytest.approx(1.0)
    assert score.outcome == "failed"
    assert "whatever the model had learned" in score.sentence
    assert verdict(inputs, list(run_tests(inputs))).word == "not supported"


def test_randomisation_leaves_the_model_as_it_was_and_starts_at_the_logits() -> None:
    inputs = lung_trust_input()
    before = [weights.copy() for weights in inputs.classifier.network.get_weights()]
    first, second = run("randomisation", inputs), run("randomisation", inputs)
    assert first.details["cascade"] == second.details["cascade"], "it repeats"
    for old, new in zip(before, inputs.classifier.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert randomisation.layer_groups(inputs.classifier.network) == [["logits"], ["conv"]]
    assert randomisation.layer_groups(inputs.classifier.network, 1) == [["logits", "conv"]]
    assert first.outcome == "passed"


def test_without_measured_pairs_two_tests_cannot_decide() -> None:
    inputs = lung_trust_input()
    inputs.measured = {}
    assert run("randomisation", inputs).outcome == "unclear"
    assert run("stability", inputs).outcome == "unclear"


def test_deletion_of_a_sum_model_has_the_closed_form() -> None:
    image, fill = np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 1), np.float32)
    image[:2, :, 0] = 1

    def total(images: np.ndarray) -> np.ndarray:
        return images.sum(axis=(1, 2, 3)).astype(np.float64)

    best = np.arange(16)
    assert total(faithfulness.states(image, fill, best, 4, insert=False)).tolist() == [8, 4, 0, 0, 0]
    assert total(faithfulness.states(image, fill, best, 4, insert=True)).tolist() == [0, 4, 8, 8, 8]
    assert total(faithfulness.states(image, fill, best[::-1], 4, insert=False)).tolist() == [8, 8, 8, 4, 0]
    assert faithfulness.area([8, 4, 0, 0, 0]) == pytest.approx(2.0)


def test_a_reversed_map_fails_faithfulness() -> None:
    inputs = lung_trust_input()
    before = run("faithfulness", inputs)
    assert before.value > before.details["line"]
    inputs.explanation.layer_map[:] = -inputs.explanation.layer_map
    score = run("faithfulness", inputs)
    assert score.outcome == "against", "it never decides"
    assert score.value < min(0, score.details["line"])
    assert set(score.details["controls"]) == {"random", "blurred random"}


def test_stability_of_a_linear_model_is_small_and_of_a_jumpy_map_large(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = run("stability", lung_trust_input())
    assert calm.outcome == "passed"
    assert calm.value < 0.2
    rng = np.random.default_rng(0)

    class Jumpy(Edges):
        def heatmap(self, inputs: MethodInput) -> np.ndarray:
            return rng.random(inputs.batch.shape[1:3]).astype(np.float32) ** 4

    monkeypatch.setitem(METHODS, "edges", Jumpy())
    assert run("stability", lung_trust_input("edges")).outcome == "failed"


@pytest.mark.parametrize("name", stability.ALTERATIONS)
def test_alterations_are_small_and_keep_the_shape(name: str) -> None:
    pixels = image_with(lung_area(IMAGE)).pixels
    changed = stability.ALTERATIONS[name](pixels, np.random.default_rng(0))
    assert changed.shape == pixels.shape
    assert 0 < np.abs(changed - pixels).mean() < 0.05


def test_agreement_of_a_map_with_its_like_is_high() -> None:
    inputs = lung_trust_input()
    score = run("agreement", inputs)
    names, rank = score.details["methods"], np.array(score.details["rank"])
    labels = [METHODS[name].label for name in names]
    assert any(f"{label} agrees least" in score.sentence for label in labels[1:])
    (matrix,) = TRUST_TESTS["agreement"].figures(inputs, score)
    assert list(matrix.names) == labels
    assert names[0] == "hirescam"
    np.testing.assert_allclose(rank, rank.T, atol=1e-6)
    np.testing.assert_allclose(np.diag(rank), 1, atol=1e-6)
    assert score.outcome == "informational"
    assert rank[0, names.index("layercam")] > 0.9


@pytest.mark.parametrize("name", region_ablation.REGIONS)
def test_altered_images_show_what_they_say(name: str) -> None:
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
    inputs = lung_trust_input()
    assert run("lesions", inputs).value is None
    inputs.lesions = lung_area(IMAGE)
    score = run("lesions", inputs)
    assert score.chance == pytest.approx(1.0), "uniform in lungs is perfect here"
    inputs.lesions = corner(IMAGE)
    assert run("lesions", inputs).value < 0.05


@pytest.mark.parametrize("name", BASELINE_MAPS)
def test_baseline_maps_are_maps_without_negative_values(name: str) -> None:
    image = image_with(lung_area(IMAGE))
    found = BASELINE_MAPS[name](image.pixels, lung_area(IMAGE))
    assert found.shape == image.shape
    assert found.min() >= 0
    assert found.max() > 0


def test_a_difference_of_classes_is_tested_by_its_first_class() -> None:
    inputs = trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)), target="COVID-19 - Normal")
    assert inputs.explained_class == "COVID-19"
    assert inputs.probability == inputs.prediction.probabilities["COVID-19"]


def test_the_source_probe_reads_the_embedding(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = lung_trust_input()
    features = embedding(inputs.classifier.forward, inputs.prediction.prepared.batch)
    assert features.shape == (1, SIDE * SIDE * 2)
    size = features.shape[1]
    weights = np.zeros((2, size))
    weights[0] = 10 / size
    probe = SourceProbe(
        "toy", ("bright", "dark"), np.zeros(size, "f"), np.ones(size, "f"), weights.astype("f"), np.zeros(2, "f"),
        {"value": 0.9, "low": 0.8, "high": 1.0}, {"bright": 1}, "1" * 64, "2" * 64, "2026-01-01", "0",
    )  # fmt: skip
    expected = 1 / (1 + np.exp(-10 * features.mean()))
    assert probe.probabilities(features)[0, 0] == pytest.approx(expected, rel=1e-4)
    assert run("source", inputs).value is None, "no probe ships with the toy"
    probe.save(tmp_path)
    again = load_probe("toy", "1" * 64, tmp_path)
    assert again is not None
    assert vars(again).keys() == vars(probe).keys()
    for name, value in vars(probe).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert (tmp_path / "toy.source.json").stat().st_size < 4000
    assert load_probe("toy", "9" * 64, tmp_path) is None, "it belongs to other weights"
    monkeypatch.setattr("covid_model.trust.trust_tests.source.load_probe", lambda *_: probe)
    score = run("source", inputs)
    assert "bright" in score.sentence
    assert score.chance == 0.5


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_model_has_its_source_probe(key: str) -> None:
    probe = load_probe(key, read_card(WEIGHTS / MODELS[key].card_name).weights_sha256)
    assert probe is not None
    assert probe.weights.shape == (len(probe.sources), len(probe.mean))
    np.testing.assert_allclose(probe.probabilities(probe.mean[None]).sum(), 1)


@pytest.mark.parametrize("row", TRUST_TESTS.values(), ids=lambda row: row.key)
def test_every_trust_test_explains_itself(row) -> None:
    assert row.question.endswith("?")
    assert row.how.endswith(".")
    score = row.run(lung_trust_input())
    assert score.key == row.key
    assert score.sentence.endswith(".")
    assert set(CLASSES) >= {lung_trust_input().explained_class}
