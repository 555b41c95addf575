"""Explain a model's prediction for one image, with one method."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from covid_model.backends.base import Engines, Progress, silent
from covid_model.backends.remembered import RememberedEngines
from covid_model.errors import ExplainError
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import DEFAULT_METHOD, Method, MethodInput, get_method
from covid_model.explain.options import Setting, complete
from covid_model.explain.target import resolve_target

if TYPE_CHECKING:
    from covid_model.models.predict import Prediction


INPUT: Final = "image"
"""Recorded as the layer of methods that need none: the model's input."""


class CardLike(Protocol):
    """The parts of a model's card that an explanation needs."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def explanation_layers(self) -> tuple[str, ...]: ...


class ClassifierLike(Engines, Protocol):
    """The parts of a loaded model that an explanation needs."""

    key: str
    weights_digest: str

    @property
    def card(self) -> CardLike: ...


def explain(
    classifier: ClassifierLike,
    prediction: "Prediction",
    *,
    method: str = DEFAULT_METHOD,
    target: str | int | None = None,
    layer: str | None = None,
    seed: int = 0,
    options: Mapping[str, Setting] | None = None,
    progress: Progress = silent,
) -> Explanation:
    """One heatmap of the image and by the model of `prediction`. The same call gives the same map.

    method: a key of METHODS. target: a class by name or index, or "A - B"; by default the predicted class. layer: by default
    the card's first; methods that need none ignore it. seed: for methods that draw random numbers. options: settings of the
    method that differ from its defaults. progress: called between parts of slow methods; what it raises cancels.
    Raises ExplainError for an unknown method, target, layer or option, naming the known ones, and for logits or a map that
    are not finite.
    """
    chosen, card = get_method(method), classifier.card
    place = _layer(classifier, chosen, layer)
    if not np.isfinite(prediction.logits).all():
        raise ExplainError(f"Model {classifier.key!r} gave logits that are not numbers for this image.")
    settings = complete(chosen.options, options or {})
    name = prediction.predicted if target is None else target
    wanted = resolve_target(name, card.classes, len(prediction.logits), prediction.head)
    batch = prediction.prepared.batch
    engines = RememberedEngines(classifier, batch, prediction.outputs)
    inputs = MethodInput(engines, batch, wanted, place, seed, progress)
    start = time.perf_counter()
    with np.errstate(over="ignore", invalid="ignore"):  # the map is checked below
        raw = chosen.heatmap(inputs, **settings)
        measures = chosen.measures(inputs, raw, **settings)
    seconds = time.perf_counter() - start
    if not np.isfinite(raw).all():
        raise ExplainError(f"{chosen.label} gave values that are not numbers for {wanted.name} at layer {place!r}.")
    return Explanation(
        layer_map=raw,
        heatmap=prediction.prepared.model_input.to_image(raw),
        method=method,
        target=wanted.name,
        layer=place,
        seed=seed,
        options=settings,
        measures=measures,
        classes=card.classes,
        logits=tuple(float(value) for value in prediction.logits),
        probabilities=dict(prediction.probabilities),
        model=classifier.key,
        model_digest=classifier.weights_digest,
        image_digest=prediction.image_digest,
        seconds=seconds,
    )


def _layer(classifier: ClassifierLike, method: Method, layer: str | None) -> str:
    """The layer of the map. Raises ExplainError for one that the card does not name."""
    if not method.needs_layer:
        return INPUT
    offered = classifier.card.explanation_layers
    if layer and layer not in offered:
        known = ", ".join(offered)
        raise ExplainError(f"Layer {layer!r} is not an explanation layer of model {classifier.key!r}; choose {known}.")
    return layer or offered[0]
