"""What every trust test owes whoever runs it: progress, an end on demand, repeatable results, and plain figures."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import get_args

import numpy as np
import pytest
from toy_models import IMAGE, SIDE, classifier_on, corner, image_with, lung_area, lung_trust_input, trust_input_of

from covid_model.models.classifier import Classifier
from covid_model.plots.trust import trust_chart
from covid_model.trust.figures import Chart, Images
from covid_model.trust.score import TrustInput
from covid_model.trust.source_probe import SourceProbe
from covid_model.trust.trust_tests import TRUST_TESTS, figures_of, randomisation, run_tests

FORWARD_ONLY = ("attention", "region_ablation", "survival", "faithfulness", "source", "lesions")


class CancelledError(Exception):
    """What a watcher raises to end a test."""


@pytest.fixture
def inputs() -> TrustInput:
    """A heatmap with outlined lesions, so that every test has work to do."""
    found = lung_trust_input()
    found.lesions = lung_area(IMAGE)
    return found


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    size = SIDE * SIDE * 2
    zeros, ones = np.zeros(size, np.float32), np.ones(size, np.float32)
    found = SourceProbe(
        "toy", ("here", "there"), zeros, ones, np.stack([ones, zeros]), np.zeros(2, np.float32),
        {"value": 0.9, "low": 0.8, "high": 1.0}, {"here": 1}, "1" * 64, "2" * 64, "2026-01-01", "0",
    )  # fmt: skip
    monkeypatch.setattr("covid_model.trust.trust_tests.source.load_probe", lambda *_: found)


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize("key", TRUST_TESTS)
def test_every_test_tells_how_far_it_is_and_ends_when_asked_to(key: str, inputs: TrustInput) -> None:
    shares: list[float] = []
    TRUST_TESTS[key].run(replace(inputs, progress=shares.append))
    assert len(shares) >= 2, "it can be ended between its parts"
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    assert shares[-1] == pytest.approx(1)
    called: list[float] = []

    def cancel(share: float) -> None:
        called.append(share)
        if len(called) == 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        TRUST_TESTS[key].run(replace(inputs, progress=cancel))
    assert called == shares[:2], "nothing is done afterwards"


@pytest.mark.usefixtures("probe")
def test_all_tests_report_one_growing_share_and_known_scores_are_taken_as_they_are(inputs: TrustInput) -> None:
    shares: list[float] = []
    scores = {score.key: score for score in run_tests(replace(inputs, progress=shares.append))}
    assert list(scores) == list(TRUST_TESTS)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    again = list(run_tests(replace(inputs, progress=shares.append), scores))
    assert all(one is other for one, other in zip(again, scores.values(), strict=True))


@pytest.mark.parametrize("key", ["randomisation", "stability"])
def test_a_slow_method_can_be_ended_within_one_of_its_maps(key: str) -> None:
    inputs = lung_trust_input("rise")
    shares: list[float] = []
    TRUST_TESTS[key].run(replace(inputs, progress=shares.append))
    maps = 3 if key == "stability" else 2
    assert len(shares) > 10 * maps
    assert shares == sorted(shares)


class ForwardAlone:
    """A backend that answers forward passes and cannot differentiate."""

    def __init__(self, classifier: Classifier) -> None:
        self.forward, self.run = self, classifier.forward.run
        self.units, self.input_shape = classifier.forward.units, classifier.forward.input_shape


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize("key", FORWARD_ONLY)
def test_tests_that_need_no_gradients_ask_for_none(key: str, inputs: TrustInput) -> None:
    expected = TRUST_TESTS[key].run(inputs)
    classifier = inputs.classifier
    forward = Classifier(
        classifier.key, classifier.card, ForwardAlone(classifier), classifier.weights_digest, classifier.segmenter
    )  # type: ignore[arg-type]
    assert TRUST_TESTS[key].run(replace(inputs, classifier=forward)) == expected


def test_a_cancelled_randomisation_leaves_nothing_behind(inputs: TrustInput) -> None:
    expected = randomisation.cascade(inputs)

    def cancel(share: float) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        randomisation.cascade(replace(inputs, progress=cancel))
    assert randomisation.cascade(inputs) == expected


def test_randomisations_of_one_model_in_several_threads_do_not_mix() -> None:
    classifier = classifier_on(lung_area(SIDE) | corner(SIDE))
    several = [
        replace(trust_input_of(classifier, image_with(bright)), seed=seed)
        for seed in range(3)
        for bright in (lung_area(IMAGE), lung_area(IMAGE) | corner(IMAGE))
    ]
    one_by_one = [randomisation.cascade(inputs) for inputs in several]
    assert len({json.dumps(found) for found in one_by_one}) > 1
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(randomisation.cascade, several)) == one_by_one


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize("key", TRUST_TESTS)
def test_every_test_has_figures_of_plain_data_that_can_be_drawn(key: str, inputs: TrustInput) -> None:
    score = TRUST_TESTS[key].run(inputs)
    json.dumps(asdict(score), allow_nan=False)
    figures = figures_of(inputs, score)
    assert figures
    for figure in figures:
        if isinstance(figure, Images):
            assert all(picture.dtype == np.uint8 and max(picture.shape) <= 220 for picture in figure.pictures.values())
        else:
            assert isinstance(figure, get_args(Chart))
            assert trust_chart(figure).data


def test_a_score_without_details_has_no_figures() -> None:
    inputs = lung_trust_input()
    assert figures_of(inputs, TRUST_TESTS["lesions"].run(inputs)) == ()
