"""The settings of a method: what they are called, what they may be. Widgets and command-line flags are made from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from covid_model.errors import ExplainError
from covid_model.explain.baseline_inputs import BASELINE_INPUTS

Setting = int | float | str


@dataclass(frozen=True)
class Option:
    """One setting. A text has `choices`; a number lies in [low, high], and widgets move it by `step`."""

    name: str
    label: str
    default: Setting
    help: str
    low: float = 0
    high: float = 0
    step: float = 1
    choices: tuple[str, ...] = ()

    def checked(self, value: Setting) -> Setting:
        """The value as the method wants it. Raises ExplainError that names what would work."""
        if self.choices:
            if value in self.choices:
                return value
            raise ExplainError(f"{self.label} is one of {', '.join(self.choices)}. Received: {value!r}.")
        kind = type(self.default)
        if isinstance(value, str | bool) or kind(value) != value or not self.low <= value <= self.high:
            raise ExplainError(f"{self.label} lies between {self.low:g} and {self.high:g}. Received: {value!r}.")
        return kind(value)


def complete(options: tuple[Option, ...], chosen: Mapping[str, Setting]) -> dict[str, Setting]:
    """All settings of a method: the chosen ones checked, the others at their defaults. Raises ExplainError for others."""
    known = {option.name: option for option in options}
    if strange := [name for name in chosen if name not in known]:
        offered = f"it knows {', '.join(known)}" if known else "it has none"
        raise ExplainError(f"The method has no setting {strange[0]!r}; {offered}.")
    return {name: option.checked(chosen.get(name, option.default)) for name, option in known.items()}


CHANNELS: Final = Option(
    "channels", "Channels", 32, "The most varied channels of the layer are used; 0 uses all, slowly.", 0, 1280, 8
)
SAMPLES: Final = Option("samples", "Noisy copies", 16, "More copies give a calmer map.", 2, 128, 2)
NOISE: Final = Option("noise", "Noise", 0.1, "Standard deviation as a share of the image's range.", 0.01, 0.5, 0.01)
STEPS: Final = Option("steps", "Steps", 32, "More steps lower the completeness error.", 4, 256, 4)
PATCH: Final = Option("patch", "Square", 0.15, "Side of the hidden square as a share of the image's.", 0.02, 0.5, 0.01)
OVERLAP: Final = Option("overlap", "Overlap", 0.5, "Of neighbouring squares; more is finer and slower.", 0.0, 0.9, 0.05)
MASKS: Final = Option("masks", "Masks", 500, "More random masks give a calmer map.", 50, 5000, 50)
CELLS: Final = Option("cells", "Cells", 7, "Of a random mask along one side; more are finer and need more masks.", 3, 16, 1)
KEEP: Final = Option("keep", "Kept share", 0.5, "How much of the image a mask leaves visible on average.", 0.1, 0.9, 0.05)


def baseline(default: str) -> Option:
    """What hidden pixels show, or where the way to the image starts."""
    return Option("baseline", "Hidden shows", default, "What stands for “nothing there”.", choices=tuple(BASELINE_INPUTS))
