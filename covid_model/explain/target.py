"""What is explained: one class, or the difference of two, as weights over the logits.

The logit is explained and never the probability: a softmax lets a class rise because another falls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ExplainError

MINUS: Final = " - "


@dataclass(frozen=True)
class Target:
    """A score that is linear in the logits: sum over units of weights[i] * logits[i].

    name: as shown to users, "COVID-19" or "COVID-19 - Normal". weights: one number a unit.
    """

    name: str
    weights: tuple[float, ...]

    @property
    def row(self) -> NDArray[np.float32]:
        """(units,) float32."""
        return np.array(self.weights, np.float32)


def class_target(name: str, classes: Sequence[str], units: int) -> Target:
    """The target of one class. One-unit models have classes (negative, positive): the negative class is minus the logit."""
    known = {label.casefold(): index for index, label in enumerate(classes)}
    index = known.get(name.strip().casefold())
    if index is None:
        raise ExplainError(f"Unknown class {name!r}; this model knows {', '.join(classes)}, or the difference 'A - B'.")
    if units == 1:
        return Target(classes[index], (1.0,) if index == 1 else (-1.0,))
    return Target(classes[index], tuple(float(i == index) for i in range(units)))


def resolve_target(name: str, classes: Sequence[str], units: int) -> Target:
    """The target called `name`: a class, in any case, or two classes joined by " - ".

    units: number of logits. Raises ExplainError for names the model does not know and for a class minus itself.
    """
    if MINUS not in name or name.strip().casefold() in {label.casefold() for label in classes}:
        return class_target(name, classes, units)
    first, second = (class_target(part, classes, units) for part in name.split(MINUS, 1))
    if first == second:
        raise ExplainError(f"The difference {name!r} is zero everywhere; choose two different classes.")
    weights = tuple(a - b for a, b in zip(first.weights, second.weights, strict=True))
    return Target(f"{first.name}{MINUS}{second.name}", weights)
