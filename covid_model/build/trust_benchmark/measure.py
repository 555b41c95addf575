"""Every trust test, the verdict and the place of the evidence, on heatmaps of one trained model."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from covid_model.audit.audit_model import pairs_of
from covid_model.build.trust_benchmark.causal import Effects, case
from covid_model.build.trust_benchmark.drawn import Drawing, draw
from covid_model.build.trust_benchmark.networks import NETWORKS, OPACITY, inputs_of
from covid_model.build.trust_benchmark.plan import Planned
from covid_model.build.trust_benchmark.planted_maps import PLANTED
from covid_model.explain.engine import explain
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction, predict
from covid_model.trust.localisation import lesion_scores
from covid_model.trust.matched_edits import usual_of
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.source_probe import embedding
from covid_model.trust.trust_tests import TRUST_TESTS

Record = dict[str, Any]

TESTED: Final = (DEFAULT_METHOD, "hirescam", *(kind.key for kind in PLANTED))
"""Methods whose heatmaps go through all trust tests on every model: the default, a possible successor, and planted ones."""
OTHERS: Final = ("layercam", "integratedgradients", "occlusion")
"""Likewise on the models of `plan.Planned.thorough`; the remaining methods are only compared with the planted evidence."""
SAME_AS_ANOTHER: Final = ("gradcam-tkv",)
"""Held to Grad-CAM by parity tests, and ten times as slow."""
BOTH: Final = 3
ALONE: Final = 1
"""Images with opacity and shortcut, and with the shortcut alone, that the model calls an opacity."""
PAIRED: Final = 16
PAIRED_SLOW: Final = 8
"""Images whose maps give the pass lines, which an audit record holds for a real model."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A drawing that a model calls an opacity. effect: of removing the shortcut from this image on the probability."""

    drawing: Drawing
    prediction: Prediction
    effect: float


def shown_images(classifier: Classifier, kind: str, effects: Effects) -> dict[str, list[Shown]]:
    """The first images of each group that the model calls an opacity, since others get no verdict."""
    found: dict[str, list[Shown]] = {}
    for group, opacity, count in (("both", True, BOTH), ("alone", False, ALONE)):
        called = np.flatnonzero(effects.probabilities[:, int(opacity), 1] >= 0.5)[:count]
        found[group] = []
        for number in map(int, called):
            drawing = draw(case(number, kind, opacity=opacity, shortcut=True))
            before, after = effects.probabilities[number, int(opacity)]
            prediction = predict(classifier, drawing.image, drawing.lung_mask)
            found[group].append(Shown(drawing, prediction, float(after - before)))
    return found


def pass_lines(classifier: Classifier, kind: str, methods: Sequence[str], seed: int) -> Record:
    """What an audit record holds about each method, similarity of unrelated maps and seconds a map, and the usual image."""
    predictions = []
    for number in range(PAIRED):
        drawing = draw(case(500 + number, kind, opacity=number % 2 == 0, shortcut=number % 4 < 2))
        predictions.append(predict(classifier, drawing.image, drawing.lung_mask))
    known = {}
    for method in methods:
        found = [
            explain(classifier, one, method=method) for one in predictions[: PAIRED_SLOW if METHODS[method].slow else None]
        ]
        maps = [TrustInput(classifier, None, one, map_).small_map for one, map_ in zip(predictions, found, strict=False)]  # type: ignore[arg-type]
        known[method] = {
            "pairs": pairs_of(maps, np.random.default_rng(seed)),
            "seconds": float(np.median([one.seconds for one in found[1:]])),
        }
    usual = usual_of((drawing.pixels, drawing.lungs) for drawing in _usual_drawings(kind))
    return {"methods": known, "usual": asdict(usual)}


def _usual_drawings(kind: str) -> Iterator[Drawing]:
    """Drawings without the shortcut: what matched edits go towards, as on X-rays towards the usual image of many sources."""
    for number in range(PAIRED):
        yield draw(case(500 + number, kind, opacity=number % 2 == 0, shortcut=False))


def measure(classifier: Classifier, planned: Planned, effects: Effects) -> Record:
    """Everything about one model: its images, each with the scores of all tests for each method."""
    network, kind, seed = planned.network, planned.kind, planned.seed
    tested = (*TESTED, *OTHERS) if planned.thorough else TESTED
    measured = pass_lines(classifier, kind, tested, seed)
    images = [
        _image_record(classifier, shown, group, tested, measured, slow=planned.thorough)
        for group, several in shown_images(classifier, kind, effects).items()
        for shown in several
    ]
    return {"encoded": encoded(classifier, network, kind), "images": images}


def _image_record(
    classifier: Classifier, shown: Shown, group: str, tested: Sequence[str], measured: Record, *, slow: bool
) -> Record:
    drawing = shown.drawing
    once: dict[str, TrustScore] = {}
    methods: Record = {}
    for method in METHODS:
        if method in SAME_AS_ANOTHER or (METHODS[method].slow and not slow):
            continue
        found = explain(classifier, shown.prediction, method=method, target=OPACITY, seed=drawing.case.seed)
        inputs = TrustInput(classifier, drawing.image, shown.prediction, found, measured, drawing.opacity, drawing.case.seed)
        methods[method] = {"evidence": _evidence(found.heatmap, drawing)}
        if method in tested:
            scores = list(_scores(inputs, once))
            methods[method]["tests"] = {score.key: _cells(score) for score in scores}
    return {
        "group": group,
        "number": drawing.case.seed,
        "probability": shown.prediction.probabilities[OPACITY],
        "effect": shown.effect,
        "edits": once["survival"].details.get("falls", {}),
        "methods": methods,
    }


def _scores(inputs: TrustInput, once: dict[str, TrustScore]) -> Iterator[TrustScore]:
    """The scores of all tests but two: `lesions` is measured as evidence, and there is no probe of sources for drawings.

    once: scores that do not depend on the heatmap. `agreement` is run for the default method and the planted maps.
    """
    for key, test in TRUST_TESTS.items():
        method = inputs.explanation.method
        if key in ("lesions", "source") or (
            key == "agreement" and method not in (DEFAULT_METHOD, *(k.key for k in PLANTED))
        ):
            continue
        if key not in ("region_ablation", "survival"):
            yield test.run(inputs)
            continue
        if key not in once:
            once[key] = test.run(inputs)
        yield once[key]


def _cells(score: TrustScore) -> Record:
    """A score with its suspicion: how far the value is on the wrong side of what the test compares it with."""
    return {"outcome": score.outcome, "value": score.value, "suspicion": suspicion(score)}


def suspicion(score: TrustScore) -> float | None:
    """The test's number on a scale on which higher is worse; `summary.LINES` has its pass line. None where it has none."""
    value, chance = score.value, score.chance
    if value is None or (score.key in ("randomisation", "stability") and not chance):
        return None
    if score.key in ("attention", "faithfulness"):
        return float(score.details["line"]) - value
    if score.key == "randomisation":
        return (value - float(chance or 0)) / (1 - float(chance or 0))
    if score.key == "stability":
        return value / float(chance or 1)
    if score.key == "region_ablation":
        return score.details.get("kept")
    return value if score.key == "survival" else -value


def _evidence(heatmap: np.ndarray, drawing: Drawing) -> Record:
    """How well a map finds the opacity and the shortcut, each where it is drawn at a place."""
    found = {}
    for name, mask in (("opacity", drawing.opacity), ("shortcut", drawing.shortcut)):
        if mask is not None and mask.any():
            scores = lesion_scores(heatmap, mask)
            found[name] = {key: None if np.isnan(value) else value for key, value in scores.items()}
    return found


def encoded(classifier: Classifier, network: str, kind: str, count: int = 64) -> float:
    """Balanced accuracy, by five folds, of a logistic regression that reads the shortcut from the model's features.

    On held-out chests without an opacity, each drawn with and without the shortcut; both drawings are in one fold.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    drawings = [draw(case(700 + n, kind, opacity=False, shortcut=s)) for n in range(count) for s in (False, True)]
    features = embedding(classifier.forward, inputs_of(drawings, NETWORKS[network]))
    truth, groups = np.tile([0, 1], count), np.repeat(np.arange(count), 2)
    fit = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    return float(cross_val_score(fit, features, truth, groups=groups, cv=GroupKFold(5)).mean())
