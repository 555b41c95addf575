"""What leaves the program: report, record and batch."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_models import classifier_on, lung_area, lung_trust_input
from toy_promises import conformal, size_of

from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.errors import ImageError
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.calibration import NOT_EXCLUSIVE
from covid_model.share.batch import Job, explain_file, write_table
from covid_model.share.report import NOTICE, html_report
from covid_model.trust import promises
from covid_model.trust.label_set import label_set
from covid_model.trust.likeness import Likeness
from covid_model.trust.trust_tests import TRUST_TESTS, run_tests
from covid_model.trust.verdict import RULE, withheld
from covid_model.viewer.script import script


def test_the_report_stands_alone_and_says_what_it_is_not() -> None:
    inputs = lung_trust_input()
    page = html_report(inputs, list(run_tests(inputs)), inputs.classifier.card, "A <image>")
    assert not re.search(r"(src|href)=['\"](?!data:)", page), "nothing is fetched"
    data, code = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert code.strip() == "{\n" + script("report") + "\n}", "no script but the viewer's"
    image, overlay = json.loads(data)["panels"]
    assert (image["map"], overlay["map"]["rows"]) == (None, inputs.explanation.layer_map.shape[0])
    assert page.count("<script") == 2
    assert NOTICE in page
    assert "A &lt;image&gt;" in page
    assert RULE.split(".")[0] in page
    for row in TRUST_TESTS.values():
        assert row.question in page
        assert html.escape(row.how, quote=True).replace("&#x27;", "&#39;") in page
    assert inputs.explanation.image_digest in page
    assert page.count("<img") >= 8
    assert page.count("<svg") == 2, "the curves"
    assert page.count("<meter") >= 15, "the bars"
    assert "lungs removed: " in page


def test_report_and_verdict_of_a_multilabel_model_say_that_its_classes_do_not_exclude_each_other() -> None:
    inputs = lung_trust_input()
    shares = dict.fromkeys(inputs.prediction.probabilities, 0.1)
    inputs = replace(inputs, prediction=replace(inputs.prediction, head="multilabel", probabilities=shares))
    page = html_report(inputs, [], inputs.classifier.card, "An image")
    assert "finds none of its classes" in page
    assert html.escape(NOT_EXCLUSIVE).replace("&#x27;", "&#39;") in page
    assert "a probability of its own of only 10%, so it does not find it" in (withheld(inputs) or "")


def test_the_report_without_tests_has_no_verdict() -> None:
    inputs = lung_trust_input()
    page = html_report(inputs, [], inputs.classifier.card, "An image")
    assert "deserve trust" not in page
    assert "never scored" in page


@pytest.mark.parametrize("source", ["fine", "failing"])
def test_report_and_record_give_or_withhold_what_the_page_does(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = lung_trust_input()
    found, size = Likeness("", 1.0, source), size_of()
    labels = label_set(conformal(0.99), inputs.prediction, found, size.typical)
    monkeypatch.setattr(promises, "likeness", lambda *_: found)
    monkeypatch.setattr(promises, "promised_labels", lambda *_: labels)
    monkeypatch.setattr(promises, "load_regions", lambda *_: {"hirescam": size})
    region = promises.promised_region(inputs, found)
    assert labels is not None and region is not None
    page = html.unescape(html_report(inputs, [], inputs.classifier.card, "An image"))
    record = json.loads(Result(inputs).record_json())["promises"]
    assert labels.sentence in page and record["label_set"]["sentence"] == labels.sentence
    assert region.sentence in page and record["region"]["sentence"] == region.sentence
    data = json.loads(re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)[0])
    promised = source == "fine"
    assert (record["label_set"]["promised"], record["region"]["promised"]) == (promised, promised)
    assert [bool(panel["region"]) for panel in data["panels"]] == [promised, promised]
    assert data["look"]["region"] is True, "on paper nothing can be switched on"
    assert ("It is outlined in the images." in page) == promised
    assert labels.sentence.startswith("90% set: COVID-19" if promised else "No 90% set: ")


def test_the_record_is_json_with_everything_to_make_it_again() -> None:
    inputs = lung_trust_input()
    result = Result(inputs)
    result.trust_scores()
    record = json.loads(result.record_json())
    assert record["trust"]["verdict"]["word"] == "supported"
    assert {score["key"] for score in record["trust"]["scores"]} == set(TRUST_TESTS)
    assert {"versions", "options", "model_digest", "image_digest", "seed", "layer"} <= set(record["explanation"])
    assert "trust" not in json.loads(Result(inputs).record_json())


@pytest.fixture
def model() -> Model:
    """A toy that sees the lungs, with fixed lungs, behind the shipped input check."""
    classifier = classifier_on(lung_area(32))
    classifier.segmenter.found = type(classifier.segmenter.found)(lung_area(512), "good", (), 0.3, 1.0)  # type: ignore[attr-defined]
    return Model(classifier)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(phantom_png(PHANTOMS["clear"]))
    return path


def test_a_folder_goes_on_where_it_was_cut(
    image: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    job = Job(("gradcam", "saliency"), target="Normal", trust=True)
    row, before = explain_file(model, image, job, out)
    assert not before
    assert {"gradcam/verdict", "saliency/verdict", "gradcam/record", "probability/Normal"} <= set(row)
    assert (out / row["gradcam/record"]).is_file()
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("the image was done before"))
    again, before = explain_file(model, image, job, out)
    assert before
    assert again == row
    table = pd.read_parquet(write_table([row], out))
    assert len(table) == 1
    assert table["image"][0] == row["image"]


def test_the_same_image_under_two_names_keeps_both_and_is_done_once(image: Path, model: Model, tmp_path: Path) -> None:
    twin = tmp_path / "twin.png"
    twin.write_bytes(image.read_bytes())
    explain_file(model, image, Job(("gradcam",)), tmp_path / "out")
    row, before = explain_file(model, twin, Job(("gradcam",)), tmp_path / "out")
    assert before
    assert row["file"] == str(twin)


def test_other_settings_are_other_work(image: Path, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "out"
    explain_file(model, image, Job(("gradcam",)), out)
    row, before = explain_file(model, image, Job(("gradcam",), target="COVID-19"), out)
    assert not before
    assert row["gradcam/target"] == "COVID-19"


def test_a_missing_file_is_one_sentence(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no file .*none\.png"):
        explain_file(model, tmp_path / "none.png", Job(("gradcam",)), tmp_path)


def test_settings_go_to_the_methods_that_know_them() -> None:
    job = Job(("rise", "gradcam"), options={"masks": 50, "steps": 8})
    assert job.options_of("rise") == {"masks": 50}
    assert job.options_of("gradcam") == {}
    assert np.isfinite(job.seed)
