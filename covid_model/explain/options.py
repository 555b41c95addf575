"""The settings of a method: what they are called, what they may be. Widgets and command-line flags are made from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from covid_model.errors import ExplainError
from covid_model.explain.baseline_inputs import BASELINE_INPUTS

Setting = int | float | str


@dataclass(frozen=True)
class Option:
    """One setting. A text has `choices`; a number is in [low, high], and widgets move it by `step`."""

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
            raise ExplainError(f"{self.label} must be one of {', '.join(self.choices)}. Received: {value!r}.")
        kind = type(self.default)
        if isinstance(value, str | bool) or kind(value) != value or not self.low <= value <= self.high:
            raise ExplainError(f"{self.label} must be between {self.low:g} and {self.high:g}. Received: {value!r}.")
        return kind(value)


def complete(options: tuple[Option, ...], chosen: Mapping[str, Setting]) -> dict[str, Setting]:
    """All settings of a method: the chosen ones checked, the others at their defaults. Raises ExplainError for others."""
    known = {option.name: option for option in options}
    if strange := [name for name in chosen if name not in known]:
        offered = f"it knows {', '.join(known)}" if known else "it has none"
        raise ExplainError(f"The method has no setting {strange[0]!r}; {offered}.")
    return {name: option.checked(chosen.get(name, option.default)) for name, option in known.items()}


def baseline_option(default: str) -> Option:
    """The choice of a baseline input, of `BASELINE_INPUTS`."""
    about = "What replaces hidden pixels, or where the way to the image starts."
    return Option("baseline", "Baseline", default, about, choices=tuple(BASELINE_INPUTS))
