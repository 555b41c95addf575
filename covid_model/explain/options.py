"""The settings of a method with their ranges; widgets and command-line flags are made from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from covid_model.errors import ExplainError
from covid_model.explain.baseline_inputs import BASELINE_INPUTS

Setting = int | float | str


@dataclass(frozen=True)
class Option:
    """One setting: a text from `choices`, or a number in [low, high] that widgets change by `step`.

    >>> Option("steps", "Steps", 32, "More steps are more exact.", 4, 256, 4).checked(64)
    64
    """

    name: str
    label: str
    default: Setting
    help: str
    low: float = 0
    high: float = 0
    step: float = 1
    choices: tuple[str, ...] = ()

    def checked(self, value: Setting) -> Setting:
        """The value in the type of the default. Raises ExplainError, naming what would work, for any other value."""
        if self.choices:
            if value in self.choices:
                return value
            raise ExplainError(f"{self.label} must be one of {', '.join(self.choices)}. Received: {value!r}.")
        kind = type(self.default)
        if isinstance(value, str | bool) or kind(value) != value or not self.low <= value <= self.high:
            raise ExplainError(f"{self.label} must be between {self.low:g} and {self.high:g}. Received: {value!r}.")
        return kind(value)


def complete(options: tuple[Option, ...], chosen: Mapping[str, Setting]) -> dict[str, Setting]:
    """All settings of a method by name: those in `chosen`, and the defaults of the others.

    Raises ExplainError for unknown names and for values out of range.
    """
    known = {option.name: option for option in options}
    if strange := [name for name in chosen if name not in known]:
        offered = f"it knows {', '.join(known)}" if known else "it has none"
        raise ExplainError(f"The method has no setting {strange[0]!r}; {offered}.")
    return {name: option.checked(chosen.get(name, option.default)) for name, option in known.items()}


def baseline_option(default: str) -> Option:
    """The option "baseline", a key of BASELINE_INPUTS."""
    about = "What replaces hidden pixels, or the image from which a path of gradients starts."
    return Option("baseline", "Baseline", default, about, choices=tuple(BASELINE_INPUTS))
