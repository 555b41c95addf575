"""A score with its interval, as every command prints it."""

from collections.abc import Mapping
from typing import Any


def interval_text(score: Mapping[str, Any], *, sign: bool = False) -> str:
    """Three digits after the point. score: value, low and high, None where they are not defined. sign: also of rises.

    >>> interval_text({"value": 0.81, "low": 0.66, "high": 0.94})
    '0.810 [0.660, 0.940]'
    >>> interval_text({"value": 0.02, "low": None, "high": None}, sign=True), interval_text({"value": None})
    ('+0.020', 'not defined')
    """
    if score["value"] is None:
        return "not defined"
    digits = "+.3f" if sign else ".3f"
    around = "" if score["low"] is None else f" [{score['low']:{digits}}, {score['high']:{digits}}]"
    return f"{score['value']:{digits}}{around}"


def print_interval(title: str, score: Mapping[str, Any]) -> None:
    """A line with what was measured and its score."""
    print(f"{title}: {interval_text(score)}")
