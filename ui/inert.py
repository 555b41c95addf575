"""Text from outside, shown as the characters it is made of.

File names, manifests, runs, saved queries, classes and titles of imported models, addresses, and messages that quote them
may hold markup. Streamlit's Markdown would fetch their images and show their links; Plotly would show their links.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects as go

JOINER: Final = "\u2060"
"""Invisible. Streamlit looks for addresses, emoji and icons after it has resolved escapes, so escaping is not enough."""

_MARKUP: Final = re.compile(r"[\\`*_\[\]<>{}#~|$&!^]")
_LIST: Final = re.compile(r"^(\d*)([-+=.)])")
_COLON: Final = re.compile(r":(?=\S)")
_ADDRESS: Final = re.compile(r"(www(?=\.)|@)", re.IGNORECASE)
_CODE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_TEMPLATE: Final = re.compile(r"<(?!br>|extra></extra>|/extra>)")


def inert(text: object) -> str:
    r"""Markdown that shows `text` on one line, character by character.

    >>> print(inert("![x](beacon) a_b *c*"))
    \!\[x\](beacon) a\_b \*c\*
    """
    return _LIST.sub(r"\1\\\2", _escaped(" ".join(str(text).split())))


def inert_message(text: object) -> str:
    r"""As `inert`, but commands between single backticks stay code, inside which nothing is markup.

    >>> print(inert_message("No manifest at *a*; make one with `data build`."))
    No manifest at \*a\*; make one with `data build`.
    """
    parts = _CODE.split(" ".join(str(text).split()))
    parts[::2] = map(_escaped, parts[::2])
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    return _LIST.sub(r"\1\\\2", "".join(parts))


def _escaped(text: str) -> str:
    marked = _MARKUP.sub(r"\\\g<0>", text)
    return _ADDRESS.sub(rf"\1{JOINER}", _COLON.sub(rf"\\:{JOINER}", marked))


def inert_figure(figure: "go.Figure") -> "go.Figure":
    """The figure with every text as the characters it is made of; only hover templates keep `<br>` and `<extra>`."""
    import plotly.graph_objects as go

    return go.Figure(_inert_part(figure.to_plotly_json()))


def _inert_part(part: Any, key: str = "") -> Any:
    if isinstance(part, str):
        text = part.replace("&", "&amp;")
        return _TEMPLATE.sub("&lt;", text) if key.endswith("template") else text.replace("<", "&lt;")
    if isinstance(part, Mapping):
        return {name: _inert_part(value, name) for name, value in part.items()}
    if isinstance(part, np.ndarray):
        return [_inert_part(value) for value in part.tolist()] if part.dtype.kind in "OU" else part
    if isinstance(part, list | tuple):
        return [_inert_part(value) for value in part]
    return part
