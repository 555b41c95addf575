"""Pass lines from a few images make a verdict possible for a model that has no audit record."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import IMAGE, SIDE, classifier_on, image_with, lung_area

from covid_model.api.model import Model
from covid_model.audit.small_record import FEWEST, small_record
from covid_model.errors import DataError
from covid_model.trust.score import TrustInput
from covid_model.trust.trust_tests import TRUST_TESTS


def bright(number: int) -> np.ndarray:
    """A part of the lungs, another one for each number."""
    part = np.zeros((IMAGE, IMAGE), bool)
    part[15 * number : 15 * number + 40] = True
    return part & lung_area(IMAGE)


def test_undecided_tests_decide_with_the_small_record() -> None:
    model, seen = Model(classifier_on(lung_area(SIDE))), []
    images = [image_with(bright(number), seed=number) for number in range(FEWEST)]
    record = small_record(model, "hirescam", images, progress=seen.append)
    assert seen == pytest.approx([(number + 1) / FEWEST for number in range(FEWEST)])
    known = record["methods"]["hirescam"]
    assert known["images"] == FEWEST
    assert known["pairs"]["change"] > 0.3, "heatmaps of these images differ"
    assert known["pairs"]["ssim"] < 0.9
    assert record["weights_sha256"] == model.classifier.weights_digest
    without: TrustInput = model.explain(images[0], "hirescam", "COVID-19", force=True).inputs
    for test in ("stability", "randomisation"):
        assert TRUST_TESTS[test].run(without).outcome == "unclear"
        assert TRUST_TESTS[test].run(replace(without, measured=record)).outcome in ("passed", "failed")


def test_too_few_images_are_one_sentence() -> None:
    with pytest.raises(DataError, match=f"need {FEWEST} images of different patients. Received: 2"):
        small_record(Model(classifier_on(lung_area(SIDE))), "hirescam", [image_with(bright(0))] * 2)
