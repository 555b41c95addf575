"""Label set and region of one heatmap: what is promised, what came of it on this image, and why there is none."""

from dataclasses import replace
from typing import Any

import pytest
from toy_models import IMAGE, SIDE, classifier_on, image_with, lung_area, trust_input_of
from toy_promises import FOUND, conformal, size_of

from covid_model.errors import DataError
from covid_model.trust import promises as module
from covid_model.trust.likeness import Likeness
from covid_model.trust.promises import Promises, promised_labels, promised_region, promises
from covid_model.trust.region import RegionSize
from covid_model.trust.score import TrustInput


@pytest.fixture
def inputs() -> TrustInput:
    return trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)))


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives the toy's HiResCAM a calibrated size, and the toy a report; call it to change them."""

    def give(size: RegionSize, found: Likeness = FOUND, limit: float = 0.7) -> None:
        monkeypatch.setattr(module, "load_regions", lambda *_: {"hirescam": size})
        monkeypatch.setattr(module, "likeness", lambda *_: found)
        monkeypatch.setattr(module, "find_reports", lambda: {"toy": "folder"})
        content = {"weights_sha256": "1" * 64, "conformal": conformal(limit)}
        monkeypatch.setattr(module, "read_report", lambda _: type("Report", (), {"content": content}))

    give(size_of())
    return give


def test_a_promised_region_says_whether_this_image_keeps_its_class(inputs: TrustInput, calibrated: Any) -> None:
    found = promised_region(inputs, FOUND)
    assert found is not None and found.mask is not None
    assert found.mask.mean() == pytest.approx(0.25, abs=0.03)
    assert found.kept is True
    assert found.sentence == f"{size_of().sentence} Of this image it is kept."
    assert replace(found, kept=False).sentence.endswith("Of this image it is not kept.")
    calibrated(size_of(share=0.0))
    empty = promised_region(inputs, FOUND)
    assert empty is not None and (empty.mask, empty.kept) == (None, None)
    assert "The blurred image alone keeps it" in empty.sentence


def test_a_region_that_is_not_promised_has_no_outline_but_a_reason(inputs: TrustInput, calibrated: Any) -> None:
    found = promised_region(inputs, replace(FOUND, source="failing"))
    assert found is not None and (found.mask, found.kept) == (None, None)
    assert found.sentence == found.why_not
    assert "from failing, of which only 60% kept their class." in found.sentence
    assert found.record() == {"promised": False, "level": 0.9, "sentence": found.sentence}


def test_the_record_holds_what_was_promised(inputs: TrustInput, calibrated: Any) -> None:
    found = promises(inputs)
    assert found.labels is not None and found.region is not None
    labels, region = found.record()["label_set"], found.record()["region"]
    assert labels["promised"] and region["promised"]
    assert (labels["sentence"], region["sentence"]) == (found.labels.sentence, found.region.sentence)
    assert (labels["names"], region["share"], region["kept"]) == (found.labels.names, 0.25, True)
    assert labels["coverage"]["value"] == region["coverage"]["value"] == 0.93
    calibrated(size_of(), replace(FOUND, distance=9.0))
    withheld = promises(inputs).record()["label_set"]
    assert not withheld["promised"]
    assert withheld["sentence"].startswith("No 90% set: ")
    assert "names" not in withheld, "classes that are not promised are not handed on"


def test_without_report_and_calibration_nothing_is_said(
    inputs: TrustInput, calibrated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: object) -> None:
        raise DataError("The report is not readable.")

    monkeypatch.setattr(module, "read_report", damaged)
    assert promised_labels(inputs.classifier, inputs.prediction, FOUND) is None
    other = {"weights_sha256": "2" * 64, "conformal": conformal(0.7)}
    monkeypatch.setattr(module, "read_report", lambda _: type("Report", (), {"content": other}))
    assert promised_labels(inputs.classifier, inputs.prediction, FOUND) is None, "a report of other weights"
    monkeypatch.setattr(module, "load_regions", lambda *_: {})
    assert promised_region(inputs, FOUND) is None
    assert Promises(None, None).record() == {"label_set": None, "region": None}
