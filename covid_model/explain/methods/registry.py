"""What an explanation method is, and the METHODS table that every method registers itself in."""

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

COARSE: Final = "The map is coarse, a few centimetres a cell."
NO_DISEASE: Final = "It shows where the model looked, not whether it was right, and not what a disease looks like."
RAISED: Final = "Bright areas are those whose features, taken together, raised the score of the chosen class the most."
OFF_IMAGE: Final = "Images with hidden parts are unlike those the model was trained on; it may react to the hiding itself."


@dataclass(frozen=True)
class Question:
    """What a method is asked to explain.

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
    """One explanation method, all of it: what it is called, what it shows, its settings, and how its map is made.

    family: CAM, GRADIENT, PERTURBATION or another word. signed: does the map carry evidence against the class, as negative
    values? paper: author, year and where. shows, limits: what the map shows and does not show, for users. options: settings,
    each an argument of `heatmap`. needs_layer: is the map taken at a layer? class_blind: is it the same for every class?
    slow: does it take seconds, so that a page shows progress and lets people cancel?
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
    def heatmap(self, question: Question, *args: Any, **settings: Any) -> Array:
        """The raw map (h, w) float32, not scaled, at layer size or at the size of the model's input.

        Subclasses take their settings, and nothing else, as keyword arguments; the defaults are in `options`.
        """

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Does the map of this model at this layer need `model.gradients`? No, unless a subclass says so."""
        return False

    def measures(self, question: Question, heatmap: Array, *args: Any, **settings: Any) -> dict[str, float]:
        """How well a map kept its method's promise, by name; empty for most methods."""
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
        """`heatmap` for the parts of a question; settings left out are at their defaults. Raises ExplainError for others."""
        return self.heatmap(Question(model, batch, target, layer, seed, progress), **complete(self.options, settings))


METHODS: Final[dict[str, Method]] = {}
"""Key -> method, in the order in which they are offered."""

AnyMethod = TypeVar("AnyMethod", bound=Method)


def register(kind: type[AnyMethod]) -> type[AnyMethod]:
    """Class decorator: puts the method into METHODS. Raises TypeError for a part left out, ValueError for a key in use."""
    parts = ("key", "label", "family", "paper", "shows", "limits")
    if missing := [name for name in parts if not getattr(kind, name, "")]:
        raise TypeError(f"The method {kind.__name__} lacks {', '.join(missing)}.")
    if kind.key in METHODS:
        raise ValueError(f"{kind.__name__} needs another key; {kind.key!r} is that of {METHODS[kind.key].label}.")
    METHODS[kind.key] = kind()
    return kind


def get_method(key: str) -> Method:
    """The method called `key`; ExplainError names the known ones."""
    try:
        return METHODS[key]
    except KeyError:
        raise ExplainError(f"Unknown method {key!r}; known methods: {', '.join(METHODS)}.") from None
