"""The target of an explanation: one class, or the difference of two, as weights over the logits.

Methods explain logits and not probabilities, since a softmax raises one class when another falls. In a multilabel model each
logit belongs to its class alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ExplainError
from covid_model.models.calibration import Head, calibrated

MINUS: Final = " - "


@dataclass(frozen=True)
class Target:
    """A score that is linear in the logits: sum over units of weights[i] * logits[i].

    name: as shown to users, "COVID-19" or "COVID-19 - Normal". weights: one number a unit. head: how the model's logits
    become probabilities, as on its card.
    """

    name: str
    weights: tuple[float, ...]
    head: Head = "multiclass"

    @property
    def row(self) -> NDArray[np.float32]:
        """(units,) float32."""
        return np.array(self.weights, np.float32)


def class_target(chosen: str | int, classes: Sequence[str], units: int, head: Head = "multiclass") -> Target:
    """The target of one class, by name in any case or by index.

    units: number of logits. One-unit models have classes (negative, positive): the negative class is minus the logit.
    Raises ExplainError for a class that the model does not know.

    >>> class_target("negative", ("Negative", "Positive"), 1)
    Target(name='Negative', weights=(-1.0,), head='multiclass')
    """
    index = _index(chosen, classes)
    if units == 1:
        return Target(classes[index], (1.0,) if index == 1 else (-1.0,))
    return Target(classes[index], tuple(float(i == index) for i in range(units)), head)


def _index(chosen: str | int, classes: Sequence[str]) -> int:
    if isinstance(chosen, str):
        known = {label.casefold(): index for index, label in enumerate(classes)}
        if (found := known.get(chosen.strip().casefold())) is None:
            names = ", ".join(classes)
            raise ExplainError(f"Unknown class {chosen!r}; this model knows {names}, or the difference 'A - B'.")
        return found
    if isinstance(chosen, Integral) and not isinstance(chosen, bool) and 0 <= chosen < len(classes):
        return int(chosen)
    numbered = ", ".join(f"{index} ({label})" for index, label in enumerate(classes))
    raise ExplainError(f"A class is one of {numbered}, by name or by number. Received: {chosen!r}.")


def resolve_target(chosen: str | int, classes: Sequence[str], units: int, head: Head = "multiclass") -> Target:
    """The target by a class name in any case, a class index, or two class names joined by " - ".

    units: number of logits. head: as on the model's card.
    Raises ExplainError for classes the model does not know and for a class minus itself.

    >>> resolve_target("normal", ("COVID-19", "Normal"), 2)
    Target(name='Normal', weights=(0.0, 1.0), head='multiclass')
    >>> resolve_target(0, ("COVID-19", "Normal"), 2).name
    'COVID-19'
    >>> resolve_target("COVID-19 - Normal", ("COVID-19", "Normal"), 2).weights
    (1.0, -1.0)
    """
    if not isinstance(chosen, str) or MINUS not in chosen:
        return class_target(chosen, classes, units, head)
    if chosen.strip().casefold() in {label.casefold() for label in classes}:
        return class_target(chosen, classes, units, head)
    first, second = (class_target(part, classes, units, head) for part in chosen.split(MINUS, 1))
    if first == second:
        raise ExplainError(f"The difference {chosen!r} is zero everywhere; choose two different classes.")
    weights = tuple(a - b for a, b in zip(first.weights, second.weights, strict=True))
    return Target(f"{first.name}{MINUS}{second.name}", weights, head)


def target_probability(logits: NDArray[np.float32], target: Target) -> NDArray[np.float64]:
    """The target's uncalibrated probability (b,) from logits (b, units); for a difference of classes, the difference.

    >>> target_probability(np.zeros((1, 2), np.float32), Target("Normal", (0.0, 1.0))).tolist()
    [0.5]
    """
    values = logits.astype(np.float64)
    if values.shape[1] == 1:
        return calibrated(values, 1.0)[:, 1 if target.weights[0] > 0 else 0]
    return calibrated(values, 1.0, target.head) @ np.array(target.weights)
