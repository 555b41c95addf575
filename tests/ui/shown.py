"""The text of a page under AppTest, as a reader sees it."""

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest

from ui.inert import JOINER

KINDS = ("markdown", "caption", "subheader", "success", "error", "warning", "info")


def plain(markdown: object) -> str:
    """The text without the escapes that make text from outside inert."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", str(markdown).replace(JOINER, ""))


def viewer(app: AppTest) -> dict[str, Any]:
    """What the page's only image viewer was sent."""
    (element,) = app.get("bidi_component")
    sent: dict[str, Any] = json.loads(element.proto.bytes)
    return sent


def page_text(app: AppTest) -> str:
    """All text on the page."""
    return "\n".join(plain(element.value) for kind in KINDS for element in app.get(kind))
