"""Explain what a model said about one image, with one method."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from covid_model.backends.base import GradientBackend, Progress, silent
from covid_model.errors import ExplainError
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import DEFAULT_METHOD, get_method
from covid_model.explain.options import Setting, complete
from covid_model.explain.target import resolve_target

if TYPE_CHECKING:
    from covid_model.models.predict import Prediction


INPUT: Final = "image"
"""Stands for the layer of methods that need none: the model's input."""


class CardLike(Protocol):
    """What of a model's card an explanation needs."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def explanation_layers(self) -> tuple[str, ...]: ...


class ClassifierLike(Protocol):
    """What of a loaded model an explanation needs."""

    key: str
    weights_digest: str

    @property
    def backend(self) -> GradientBackend: ...

    @property
    def card(self) -> CardLike: ...


def explain(
    classifier: ClassifierLike,
    prediction: "Prediction",
    *,
    method: str = DEFAULT_METHOD,
    target: str | None = None,
    layer: str | None = None,
    seed: int = 0,
    options: Mapping[str, Setting] | None = None,
    progress: Progress = silent,
) -> Explanation:
    """One heatmap of the image that `answer` is about, by the model that gave it.

    target: class name or "A - B", by default the predicted class. layer: by default the card's first; methods that need none
    ignore it. options: settings of the method, by default as in its row. progress: called between parts of slow methods,
    while other threads may use the model; what it raises cancels.
    Raises ExplainError for an unknown method, target, layer or option, naming the known ones, and for logits or a map not
    finite.
    """
    row, card = get_method(method), classifier.card
    layer = (layer or card.explanation_layers[0]) if row.needs_layer else INPUT
    if row.needs_layer and layer not in card.explanation_layers:
        known = ", ".join(card.explanation_layers)
        raise ExplainError(f"Layer {layer!r} is not one that model {classifier.key!r} is explained at; choose {known}.")
    if not np.isfinite(prediction.logits).all():
        raise ExplainError(f"Model {classifier.key!r} gave logits that are not numbers for this image.")
    settings = complete(row.options, options or {})
    chosen = resolve_target(prediction.predicted if target is None else target, card.classes, len(prediction.logits))
    backend, batch = classifier.backend, prediction.prepared.batch
    start = time.perf_counter()
    raw = row.function(backend, batch, chosen, layer=layer, seed=seed, progress=progress, **settings)
    measures = row.measure(backend, batch, chosen, raw, **settings) if row.measure else {}
    seconds = time.perf_counter() - start
    if not np.isfinite(raw).all():
        raise ExplainError(f"{row.label} gave values that are not numbers for {chosen.name} at layer {layer!r}.")
    return Explanation(
        layer_map=raw,
        heatmap=prediction.prepared.model_input.to_image(raw),
        method=method,
        target=chosen.name,
        layer=layer,
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
