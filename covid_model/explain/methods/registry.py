"""The base class of explanation methods, and the METHODS table in which they register."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from covid_model.backends.base import Array, Engines, Progress, silent
from covid_model.errors import ExplainError
from covid_model.explain.options import Option, Setting, complete
from covid_model.explain.target import Target

CAM: Final = "class activation"
GRADIENT: Final = "gradient"
PERTURBATION: Final = "perturbation"

COARSE: Final = "The map is coarse: a cell is a few centimetres wide."
NO_DISEASE: Final = "It shows what the model used, not whether it was right, and not what a disease looks like."
RAISED: Final = "Bright areas are those whose features, taken together, raised the score of the chosen class the most."
OFF_IMAGE: Final = "Images with hidden parts are unlike those the model was trained on; it may react to the hiding itself."


@dataclass(frozen=True)
class MethodInput:
    """What a method works on: an image, a target and a model.

    batch: one image as the model receives it, (1, H, W, c) float32. target: y, a score that is linear in the logits. layer:
    where the map is taken, of no meaning to methods without `needs_layer`. seed: for methods that draw random numbers.
    progress: called between parts of slow methods.
    """

    model: Engines
    batch: Array
    target: Target
    layer: str = ""
    seed: int = 0
    progress: Progress = silent


class Method(ABC):
    """One explanation method: its name, captions and settings, and how its map is computed.

    family: CAM, GRADIENT, PERTURBATION or another name. signed: are negative values evidence against the class? paper:
    author, year and identifier. shows, limits: what the map shows and does not show, for users. options: settings, each an
    argument of `heatmap`. needs_layer: is the map taken at a layer? class_blind: is it the same for every class? slow: does
    it take seconds, so that a page shows progress and a button to cancel?
    """

    key: ClassVar[str]
    label: ClassVar[str]
    family: ClassVar[str]
    paper: ClassVar[str]
    shows: ClassVar[str]
    limits: ClassVar[str]
    signed: ClassVar[bool] = False
    options: ClassVar[tuple[Option, ...]] = ()
    needs_layer: ClassVar[bool] = False
    class_blind: ClassVar[bool] = False
    slow: ClassVar[bool] = False

    @abstractmethod
    def heatmap(self, inputs: MethodInput, *args: Any, **settings: Any) -> Array:
        """The raw map (h, w) float32, unscaled, at the size of the layer or of the model's input.

        Subclasses take exactly their settings as keyword arguments; the defaults are in `options`.
        """

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Does the map of this model at this layer need `model.gradients`?"""
        return False

    def measures(self, inputs: MethodInput, heatmap: Array, *args: Any, **settings: Any) -> dict[str, float]:
        """How closely a map satisfies its method's axioms, by name; empty for most methods."""
        return {}

    def __call__(
        self,
        model: Engines,
        batch: Array,
        target: Target,
        *,
        layer: str = "",
        seed: int = 0,
        progress: Progress = silent,
        **settings: Setting,
    ) -> Array:
        """`heatmap` of these inputs; settings left out have their defaults. Raises ExplainError for unknown ones."""
        return self.heatmap(MethodInput(model, batch, target, layer, seed, progress), **complete(self.options, settings))


METHODS: Final[dict[str, Method]] = {}
"""Key -> method, in the order in which they are offered."""

AnyMethod = TypeVar("AnyMethod", bound=Method)


def register(kind: type[AnyMethod]) -> type[AnyMethod]:
    """Class decorator: adds the method to METHODS. Raises TypeError for a missing attribute, ValueError for a used key."""
    parts = ("key", "label", "family", "paper", "shows", "limits")
    if missing := [name for name in parts if not getattr(kind, name, "")]:
        raise TypeError(f"The method {kind.__name__} lacks {', '.join(missing)}.")
    if kind.key in METHODS:
        raise ValueError(f"{kind.__name__} needs another key; {kind.key!r} is that of {METHODS[kind.key].label}.")
    METHODS[kind.key] = kind()
    return kind


def get_method(key: str) -> Method:
    """The method called `key`. Raises ExplainError, naming the known ones, for an unknown key.

    >>> get_method("gradcam").label
    'Grad-CAM'
    """
    try:
        return METHODS[key]
    except KeyError:
        raise ExplainError(f"Unknown method {key!r}; known methods: {', '.join(METHODS)}.") from None
