"""How images and heatmaps are displayed; none of this changes what a model sees."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

from covid_model.explain.overlay import COLORMAPS

Mode = Literal["side", "wipe", "flicker", "single"]

MOST_ZOOM: Final = 32.0


@dataclass(frozen=True)
class Look:
    """Display options of the viewer.

    opacity: of the highest map values, in [0, 1]. threshold: map values below this share of the scale's end are hidden.
    window: image values shown as black and as white. zoom: factor, at least 1, and the place in the middle of a panel as
    (x, y) fractions of the image.

    >>> Look.read({"opacity": ["0.3"], "window": ["0.2", "0.7"], "cmap": ["nonsense"]}).params()
    {'opacity': ['0.3'], 'window': ['0.2', '0.7']}
    """

    opacity: float = 0.6
    threshold: float = 0.0
    cmap: str = next(iter(COLORMAPS))
    window: tuple[float, float] = (0.0, 1.0)
    invert: bool = False
    lungs: bool = True
    lesions: bool = True
    region: bool = False
    mode: Mode = "side"
    zoom: tuple[float, float, float] = (1.0, 0.5, 0.5)

    @classmethod
    def read(cls, params: Mapping[str, Sequence[str]]) -> "Look":
        """From an address's parameters, each a list of values; whatever is missing or no such value is the default."""
        values: dict[str, Any] = {}
        for part in fields(cls):
            texts = params.get(part.name, ())
            if texts:
                values[part.name] = _value(part.default, texts)
        return cls.of(values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Look":
        """From JSON values, such as a browser sends; whatever is missing or out of range is the default."""
        kept: dict[str, Any] = {}
        for part in fields(cls):
            value = values.get(part.name)
            value = tuple(value) if isinstance(value, list | tuple) else value
            if _valid(part.name, part.default, value):
                kept[part.name] = value
        return cls(**kept)

    def json(self) -> dict[str, Any]:
        """All options as JSON values."""
        return asdict(self) | {"window": list(self.window), "zoom": list(self.zoom)}

    def params(self) -> dict[str, list[str]]:
        """What differs from the defaults as an address's parameters."""
        found = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if value != part.default:
                found[part.name] = [_text(each) for each in (value if isinstance(value, tuple) else (value,))]
        return found


def _text(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:.4f}".rstrip("0").rstrip(".")


def _value(default: object, texts: Sequence[str]) -> object:
    """The texts as a value of the default's type; None where they are none."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(texts[0].lower())
    if isinstance(default, str):
        return texts[0]
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        return None
    return numbers if isinstance(default, tuple) else numbers[0]


def _valid(name: str, default: object, value: Any) -> bool:
    """Is the JSON value one of this option?"""
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, str):
        return value in (COLORMAPS if name == "cmap" else get_args(Mode))
    numbers = value if isinstance(value, tuple) else (value,)
    expected = len(default) if isinstance(default, tuple) else 1
    if len(numbers) != expected or not all(isinstance(each, int | float) and each is not True for each in numbers):
        return False
    if name == "zoom":
        return 1 <= numbers[0] <= MOST_ZOOM and all(0 <= each <= 1 for each in numbers[1:])
    return all(0 <= each <= 1 for each in numbers) and (name != "window" or numbers[0] < numbers[1])
