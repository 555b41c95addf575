"""Reporting checklists of a model, scored from its card and its measurements.

CLAIM 2024 (Tejani 2024, 10.1148/ryai.240300) and the items of TRIPOD+AI (Collins 2024, 10.1136/bmj-2023-078378) that ask
for the same. One table, ITEMS, holds them; each answers from what is known of the model, and says so where nothing is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from covid_model.evaluation.card_summary import gap_reason, interval_text, recipe_text
from covid_model.models.card import Card
from covid_model.models.specs import MODELS
from covid_model.trust.trust_tests.randomisation import passes_on_average

REPORTED: Final = "reported"
MISSING: Final = "not reported"
NOT_APPLICABLE: Final = "not applicable"


@dataclass(frozen=True)
class Known:
    """What is known of a model. report: of `evaluate`. shortcuts: of `audit --shortcuts`. audit: of `audit`."""

    card: Card
    report: dict[str, Any] | None = None
    shortcuts: dict[str, Any] | None = None
    audit: dict[str, Any] | None = None

    @property
    def test(self) -> dict[str, Any]:
        """Scores on the test images; empty without a report."""
        return dict(self.report["splits"]["test"]) if self.report else {}

    def images(self, key: str) -> str:
        """Different values of `source` or `label` of the training images, joined; "" where they are not known."""
        return ", ".join(sorted({cells[key] for cells in self.card.training.get("images", []) if cells["split"] == "train"}))


@dataclass(frozen=True)
class Answer:
    """One answered item. state: REPORTED, MISSING or NOT_APPLICABLE."""

    state: str
    text: str


@dataclass(frozen=True)
class Item:
    """One item. claim, tripod: its numbers, "" where a list does not have it. answer: text, or "" where it is not known."""

    claim: str
    tripod: str
    asks: str
    answer: Callable[[Known], str]
    applies: bool = True

    def of(self, known: Known) -> Answer:
        """The answer for one model."""
        text = self.answer(known)
        if not self.applies:
            return Answer(NOT_APPLICABLE, text)
        return Answer(REPORTED, text) if text else Answer(MISSING, "Not known of this model.")


def _says(text: str) -> Callable[[Known], str]:
    return lambda _: text


def _skipped(claim: str, tripod: str, asks: str, because: str) -> Item:
    return Item(claim, tripod, asks, _says(f"Not applicable because {because}."), applies=False)


def _with_report(text: str) -> Callable[[Known], str]:
    return lambda known: text if known.report else ""


def _sources(known: Known) -> str:
    found = known.images("source")
    return f"Trained on {found}." if found else ""


def _split(known: Known) -> str:
    if not known.images("source"):
        return ""
    return f"The recipe's split is {known.card.training.get('split', 'by patient')}."


def _sizes(known: Known) -> str:
    if not known.test:
        return ""
    left_out = known.report["left_out"] if known.report else 0
    return f"{known.test['images']:,} test images of {known.test['patients']:,} patients; {left_out:,} images left out."


def _groups(known: Known) -> str:
    named = [title for title in ("source", "view", "sex", "age") if known.test.get(f"by_{title}")]
    return f"Test images are scored by {', '.join(named)}." if named else ""


def _characteristics(known: Known) -> str:
    if not known.images("source") or not known.test:
        return ""
    return "Training images are counted by source and label, test images by source, view, sex and age."


def _accuracy(known: Known) -> str:
    scores = known.test.get("scores", {})
    if not scores:
        return ""
    return (
        f"Balanced accuracy {interval_text(scores.get('balanced_accuracy'))}, mean AUC "
        f"{interval_text(scores.get('auc/macro'))}, 95% intervals by patient."
    )


def _external(known: Known) -> str:
    unseen = known.test.get("by_subset", {}).get("new_sources")
    return f"On {unseen['images']:,} images of sources it was not trained on." if unseen and unseen["images"] else ""


def _robustness(known: Known) -> str:
    if not known.shortcuts:
        return ""
    ratio = known.shortcuts["shortcut_ratio"]
    share = "not defined" if ratio is None else f"{ratio:.2f}"
    return f"Shortcut ratio {share}; a pasted “R” changes {interval_text(known.shortcuts['marker_flips'])} of predictions."


def _explained(known: Known) -> str:
    methods = (known.audit or {}).get("methods", {})
    if not methods:
        return ""
    passed = sum(passes_on_average(found) for found in methods.values())
    return f"Heatmaps; {passed} of {len(methods)} methods pass the test of randomised weights."


def _failures(known: Known) -> str:
    if not known.report:
        return ""
    found = sum(row["p"] < 0.05 for row in known.report["worst"]["slices"])
    return f"The worst slices were searched for; {found} hold after correction for the search."


def _model(known: Known) -> str:
    card = known.card
    height, width = card.preprocessing.size
    return f"{card.architecture}; {height} x {width} pixels in, a probability for each of {', '.join(card.classes)} out."


ITEMS: Final = (
    Item("1", "1", "Title names the method", lambda known: f"{known.card.title}, {known.card.architecture}."),
    Item("2", "2", "Structured summary", lambda known: known.card.summary),
    Item("3", "3a, 3b", "Background, intended use", _says("Research and teaching; never a diagnosis.")),
    Item("4", "4", "Aims", _says("To show what its scores and heatmaps are worth.")),
    Item("5", "", "Prospective or retrospective", lambda known: "Retrospective." if known.images("source") else ""),
    Item("6", "4", "Goal of the study", _with_report("Evaluation of a model on the test images of a manifest.")),
    Item("7", "5a", "Data sources", _sources),
    Item("8", "6b", "Inclusion and exclusion", _with_report("Test images with labels unknown to the model are left out.")),
    Item("9", "7", "Preprocessing", lambda known: (
        f"Region “{known.card.preprocessing.region}”, values “{known.card.preprocessing.scaling}”."
    )),
    Item("10", "", "Choice of parts of an image", lambda known: f"Region “{known.card.preprocessing.region}”."),
    Item("11", "", "De-identification", _with_report("The report names images by digest and numbers patients.")),
    Item("12", "11", "Missing data", lambda known: (
        "Images without a known view, sex or age form a group of their own." if known.test.get("by_age") else ""
    )),
    Item("13", "6a", "Image acquisition", _says("")),
    Item("14", "8a", "Reference standard", _says("")),
    Item("15", "8a", "Why this reference standard", _says("")),
    Item("16", "8b", "Who annotated", _says("")),
    Item("17", "8b", "Annotation of the test set", _says("")),
    Item("18", "8b", "Agreement of annotators", _says("")),
    Item("19", "12a", "Assignment to splits", _split),
    Item("20", "12a", "Level at which splits are disjoint", _split),
    Item("21", "10", "Intended sample size", _says("")),
    Item("22", "12c, 22", "Model", _model),
    Item("23", "12g", "Software", lambda known: f"Trained or registered with version {known.card.version}."),
    Item("24", "12c", "Initial weights", lambda known: str(known.card.training.get("start", ""))),
    Item("25", "12c, 21", "Training", lambda known: recipe_text(known.card)),
    Item("26", "12c", "Choice of the final model", _says("")),
    _skipped("27", "", "Ensembling", "one network answers"),
    Item("28", "12e", "Metrics", _with_report("AUC, AUPRC, sensitivity, specificity, PPV, NPV, Brier score, ECE.")),
    Item("29", "12e", "Uncertainty", _with_report("2,000 bootstrap draws of patients.")),
    Item("30", "12d", "Robustness", _robustness),
    Item("31", "", "Explainability", _explained),
    Item("32", "23a", "Evaluation on internal data", _accuracy),
    Item("33", "16, 23a", "Evaluation on external data", _external),
    _skipped("34", "18d", "Trial registration", "this card reports no trial"),
    Item("35", "20a", "Images and patients included and left out", _sizes),
    Item("36", "20b", "Characteristics of each split", _characteristics),
    Item("37", "23a", "Performance with uncertainty", _accuracy),
    Item("38", "23a", "Diagnostic accuracy", lambda known: (
        "Sensitivity and specificity are given by class." if known.report else ""
    )),
    Item("39", "23b", "Failure analysis", _failures),
    Item("40", "26", "Limitations", lambda known: " ".join(known.card.limits)),
    Item("41", "25", "Implications for practice", lambda known: (
        gap_reason(known.card, known.card) if known.images("source") else ""
    )),
    Item("42", "18c", "Protocol", _says("")),
    Item("43", "18e, 18f", "Availability", lambda known: (
        f"Code and weights ship with this project; sha256 {known.card.weights_sha256}." if known.card.key in MODELS else ""
    )),
    Item("44", "18a", "Funding", _says("")),
    Item("", "13", "Class imbalance", lambda known: (
        f"Balancing “{settings['balance']}”." if "balance" in (settings := known.card.training.get("settings", {})) else ""
    )),
    Item("", "14", "Fairness", _groups),
    Item("", "15", "Output of the model", lambda known: f"Probabilities, temperature {known.card.temperature:.2f}."),
    Item("", "17", "Ethical approval", _says("")),
    Item("", "19", "Patient and public involvement", _says("")),
    _skipped("", "24", "Model updating", "this card is of one set of weights"),
)  # fmt: skip


def score(known: Known) -> tuple[int, int]:
    """How many of the applicable items of CLAIM are reported, and how many apply."""
    states = [item.of(known).state for item in ITEMS if item.claim]
    return states.count(REPORTED), len(states) - states.count(NOT_APPLICABLE)


def rows(known: Known) -> tuple[tuple[str, str, str, str, str], ...]:
    """One row an item: number in CLAIM, in TRIPOD+AI, what it asks for, state, answer."""
    answers = [(item, item.of(known)) for item in ITEMS]
    return tuple((item.claim, item.tripod, item.asks, found.state, found.text) for item, found in answers)
