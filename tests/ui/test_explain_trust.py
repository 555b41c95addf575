"""What the Explain page says of trust: verdict, tests, promises, what the model reads; with the shipped models."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from shown import WORDS, opened, page_text, verdict_word, viewer
from streamlit.testing.v1 import AppTest

from covid_model.data.labels import LABELS
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.models.classifier import load
from covid_model.trust import promises
from covid_model.trust.benchmark import short_line
from covid_model.trust.ledger import load_attributes
from covid_model.trust.region import RegionSize, load_regions
from covid_model.trust.trust_tests import TRUST_TESTS
from covid_model.trust.verdict import RULE, RULE_STEPS
from ui.results import results

FIRST, SECOND = list(shipped_samples())[:2]
NORMAL = next(sample.name for sample in shipped_samples().values() if sample.label == "Normal")
pytestmark = pytest.mark.usefixtures("no_public_images")


def finished(app: AppTest) -> AppTest:
    """Wait until the background has run every trust test, also those behind the verdict."""
    for _ in range(240):
        waiting = "badge[:material/hourglass_top: Testing" in " ".join(text.value for text in app.markdown)
        if not waiting and not any("hourglass" in option for pills in app.main.pills for option in pills.options):
            return app
        time.sleep(0.5)
        app.run()
        assert not app.exception
    raise AssertionError("the tests did not finish")


def test_the_trust_panel_gives_a_verdict_with_every_test_and_the_rule() -> None:
    app = finished(opened())
    assert verdict_word(app) in WORDS
    assert all(step in page_text(app) and step in RULE for step in RULE_STEPS)
    assert short_line("gradcam") in page_text(app)
    chips = app.main.pills[0]
    assert len(chips.options) == len(TRUST_TESTS)
    for key, row in TRUST_TESTS.items():
        app.main.pills[0].set_value(key).run()
        assert not app.exception
        text = page_text(app)
        assert f"**{row.question}**" in text
        assert row.paper in text
        if key == "region_ablation":
            assert re.search(r"Without the lungs the model (loses \d+%|keeps most) of its certainty: it gives", text)


def test_the_ledger_says_what_the_model_reads_and_what_edits_of_this_image_change() -> None:
    text = page_text(opened(model="whole-image", image=FIRST))
    line = re.search(r"What else can the model read\?\*\* Source: encoded, (not |perhaps )?used, (.*)", text)
    assert line
    assert "this answer" in line[2]
    assert "sex cannot be edited" in text
    record = load_attributes("whole-image", load("whole-image").weights_digest)
    assert f"when shuffled, {record['attributes']['sex']['images']} images" in text
    assert f"{record['images']} images of" in text


def test_the_answer_comes_with_a_set_of_classes_that_is_calibrated() -> None:
    text = page_text(opened(model="lungs", image=SECOND))
    found = re.search(r"90% set: (.*?)\. Such sets held for \d+% \(\d+% to \d+%\) of test images\.", text)
    assert found
    assert set(found[1].split(" or ")) <= set(LABELS)


def test_a_region_is_promised_for_the_predicted_class_and_can_be_outlined() -> None:
    app = opened(model="lungs", image=SECOND)
    line = r"90% region: \d+% of what the model sees; on test images the class was kept for \d+% \(\d+% to \d+%\)\."
    assert re.search(line, page_text(app))
    assert all(panel["region"] for panel in viewer(app)["panels"])
    assert viewer(app)["look"]["region"] is False
    other = opened(model="lungs", image=SECOND, target="Normal")
    assert "A region is promised for the predicted class" in page_text(other)
    assert not any(panel["region"] for panel in viewer(other)["panels"])


def test_no_region_is_promised_where_the_promise_failed_on_images_like_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: str, digest: str, folder: Path | None = None) -> dict[str, RegionSize]:
        """As shipped, but that the promise failed on the test images of every source."""
        failed = {"value": 0.73, "low": 0.6, "high": 0.8, "images": 100, "patients": 50}
        sizes = load_regions(model, digest, folder)
        return {
            method: replace(size, typical=None, by_source=dict.fromkeys(size.by_source, failed))
            for method, size in sizes.items()
        }

    results.clear()
    monkeypatch.setattr(promises, "load_regions", broken)
    app = opened(model="whole-image", image=NORMAL)
    results.clear()
    source = r"(chest_xray|nih-chestxray14|covid-[a-z-]+)"
    assert re.search(rf"No region is promised: .* images from {source}, of which only 73% kept", page_text(app))
    assert not any(panel["region"] for panel in viewer(app)["panels"])


def test_an_unlikely_class_has_no_verdict_and_no_test_until_asked_for() -> None:
    app = opened(image=NORMAL, model="whole-image", target="COVID-19")
    assert verdict_word(app) == "Withheld"
    assert not app.main.pills
    app.toggle(key="test_anyway").set_value(True).run()
    assert not app.exception
    assert any("Is it in the lungs?" in option for option in app.main.pills[0].options)


def test_a_method_that_failed_randomisation_says_so() -> None:
    app = opened(model="anshul", method="scorecam")
    assert any("failed weight randomisation" in str(box.value) for box in app.warning)
    app = opened(method="inputxgradient")  # between unrelated maps and the line that the test has: one line for both
    assert not any("failed weight randomisation" in str(box.value) for box in app.warning)
