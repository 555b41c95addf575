"""The projection of an X-ray, from the words in which files and tables describe it."""

import re
from typing import Final, Literal

View = Literal["PA", "AP", "LATERAL", "FRONTAL"]

_WORDS: Final[dict[str, View]] = {
    "pa": "PA",
    "posteroanterior": "PA",
    "ap": "AP",
    "anteroposterior": "AP",
    "frontal": "FRONTAL",
    **dict.fromkeys(("l", "ll", "rl", "lat", "lateral"), "LATERAL"),
}


def projection(text: str) -> View | None:
    """The projection that a text names; None where it names none, or several.

    >>> projection("AP semi-erect"), projection("W033 Chest PA"), projection("postero-anterior"), projection("LLO")
    ('AP', 'PA', 'PA', None)
    >>> projection("PA and lateral")
    """
    plain = re.sub(r"(postero|antero)[\s_-]*(anterior|posterior)", r"\1\2", text.lower())
    found = {_WORDS[word] for word in re.findall(r"[a-z]+", plain) if word in _WORDS}
    if len(found) == 2 and "FRONTAL" in found and "LATERAL" not in found:
        found.remove("FRONTAL")
    return found.pop() if len(found) == 1 else None


def is_frontal(text: str) -> bool:
    """Does the text name a frontal projection?

    >>> is_frontal("AP_PORTABLE"), is_frontal("L"), is_frontal("")
    (True, False, False)
    """
    return projection(text) in ("PA", "AP", "FRONTAL")
