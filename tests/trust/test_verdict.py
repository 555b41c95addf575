"""The rule that turns the scores of the trust tests into a verdict."""

from dataclasses import replace

import numpy as np
import pytest
from toy_models import (
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

from covid_model.models.card import read_card
from covid_model.models.specs import MODELS, SHIPPED
from covid_model.settings import WEIGHTS
from covid_model.trust.trust_tests import TRUST_TESTS, run_tests
from covid_model.trust.verdict import RULE, Verdict, rule_tests, verdict, withheld


def test_a_heatmap_of_an_answer_that_needs_no_lungs_is_not_supported_though_all_else_passes() -> None:
    inputs, doubtful = lung_trust_input(), run("region_ablation", marker_trust_input())
    scores = [doubtful if score.key == "region_ablation" else score for score in run_tests(inputs)]
    found = verdict(inputs, scores)
    assert found.word == "withheld"
    assert found.why.startswith("Without the lungs the model keeps most of its certainty.")
    failed = [replace(score, outcome="failed") if score.key == "stability" else score for score in scores]
    assert verdict(inputs, failed).word == "not supported", "an accusation comes before a doubt"


def test_the_verdict_is_withheld_for_what_the_model_does_not_believe_and_without_lungs() -> None:
    unlikely = trust_input_of(classifier_on(lung_area(SIDE)), image_with(np.zeros((IMAGE, IMAGE), bool)))
    assert "a heatmap for a class that the model itself finds unlikely" in (withheld(unlikely) or "")
    assert verdict(unlikely, []).word == "withheld"
    lungless = trust_input_of(classifier_on(lung_area(SIDE), quality="failed"), image_with(lung_area(IMAGE)))
    assert "may not be a chest X-ray" in (withheld(lungless) or "")
    assert "same for every class" in (withheld(lung_trust_input("eigencam")) or "")
    inputs = lung_trust_input()
    assert withheld(inputs) is None
    assert verdict(inputs, []).word == "withheld", "nothing was tested"
    inputs.explanation.heatmap[:] = 0
    assert "No part of the image raised the score of" in (withheld(inputs) or "")


def test_a_model_that_knows_no_more_than_chance_among_adults_gets_no_verdict() -> None:
    inputs = lung_trust_input()
    for low, expected in ((0.2, "no better than chance"), (0.5, "no better than chance"), (0.51, None), (None, None)):
        auc = {"value": 0.6, "low": low, "high": 0.8}
        inputs.classifier.card.scores["test"] = {"by_subset": {"adults": {"images": 90, "scores": {"auc/COVID-19": auc}}}}
        why = withheld(inputs)
        assert why is None if expected is None else expected in (why or "")
    inputs.classifier.card.scores["test"]["by_subset"]["adults"]["scores"] = {"auc/Normal": {**auc, "low": 0.1}}
    assert withheld(inputs) is None, "the explained class counts"


@pytest.mark.parametrize("key", SHIPPED)
def test_the_scores_of_adults_are_on_the_cards(key: str) -> None:
    card = read_card(WEIGHTS / MODELS[key].card_name)
    assert "auc/COVID-19" in card.scores["test"]["by_subset"]["adults"]["scores"]


def test_a_supported_verdict_needs_survival_weight_randomisation_and_stability() -> None:
    assert [key for key, test in TRUST_TESTS.items() if test.required] == ["survival", "stability", "randomisation"]
    assert "Withheld: survival of the edits, weight randomisation or stability could not decide" in RULE
    assert "or without the lungs the model keeps most of its certainty" in RULE
    assert RULE.index("Not supported:") < RULE.index("Withheld: survival"), "a failed test comes first"
    inputs = lung_trust_input()
    measured, inputs.measured = inputs.measured, {"usual": inputs.measured["usual"]}
    scores = list(run_tests(inputs))
    assert [score.key for score in scores if score.outcome == "passed"] == ["survival"]
    found = verdict(inputs, scores)
    assert found.word == "withheld"
    assert "“Is it stable?” and “Does it depend on the model?”" in found.why
    assert "no audit record for HiResCAM; `python -m covid_model audit --model toy --manifest FILE` writes it" in found.why
    inputs.measured = measured
    scores = [run("randomisation", inputs) if score.key == "randomisation" else score for score in scores]
    found = verdict(inputs, scores)
    why = "A supported verdict needs an answer to “Is it stable?”; no test could give one."
    assert found == Verdict("withheld", why)


def test_without_an_audit_record_a_failed_test_still_decides() -> None:
    inputs = marker_trust_input()
    inputs.measured = {}
    assert verdict(inputs, list(run_tests(inputs))).word == "not supported"


def test_the_verdict_waits_for_no_test_that_only_informs() -> None:
    assert rule_tests() == ["survival", "stability", "randomisation", "source", "region_ablation"]
    assert list(TRUST_TESTS)[:5] == rule_tests(), "they run first"
    for inputs in (lung_trust_input(), marker_trust_input()):
        scores = list(run_tests(inputs))
        assert not any(score.caveat or score.doubt for score in scores if score.key not in rule_tests())
        early = [score for score in scores if score.key in rule_tests()]
        assert verdict(inputs, early) == verdict(inputs, scores)


def test_a_test_that_only_informs_never_decides() -> None:
    inputs = lung_trust_input()
    inputs.lesions = corner(IMAGE)
    scores = {score.key: score for score in run_tests(inputs)}
    assert "misses what radiologists outlined" in scores["lesions"].sentence
    assert scores["lesions"].outcome == "against", "it never decides"
    assert verdict(inputs, list(scores.values())).word == "supported"
