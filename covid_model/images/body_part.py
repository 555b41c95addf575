"""Which part of the body an image says that it shows."""

from typing import Final

CHEST: Final = ("CHEST", "THORA", "TORAX", "LUNG", "RIB")
"""Parts of words that stand for the chest, alone or beside another part."""
OTHER: Final = {
    "ABDOM": "the abdomen",
    "ANKLE": "an ankle",
    "ARM": "an arm",
    "BREAST": "a breast",
    "ELBOW": "an elbow",
    "FOOT": "a foot",
    "HAND": "a hand",
    "HEAD": "the head",
    "HIP": "a hip",
    "JAW": "the jaw",
    "KNEE": "a knee",
    "LEG": "a leg",
    "NECK": "the neck",
    "PELVI": "the pelvis",
    "SHOULDER": "a shoulder",
    "SKULL": "the skull",
    "SPINE": "the spine",
    "WRIST": "a wrist",
}
"""Part of a word -> what it stands for. The file's own words are not repeated, since they may name a person."""


def other_part(stated: str) -> str:
    """The part of the body that a file states in capitals, "" for the chest, for none and for one that is not known.

    >>> other_part("HAND"), other_part("CHEST"), other_part("CHEST ABDOMEN"), other_part("")
    ('a hand', '', '', '')
    """
    if any(word in stated for word in CHEST):
        return ""
    return next((part for word, part in OTHER.items() if word in stated), "")
