"""The text of a page under AppTest, as a reader sees it."""

import re

from streamlit.testing.v1 import AppTest

from ui.inert import JOINER

KINDS = ("markdown", "caption", "subheader", "success", "error", "warning", "info")


def plain(markdown: object) -> str:
    """The text without the escapes that make text from outside inert."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", str(markdown).replace(JOINER, ""))


def page_text(app: AppTest) -> str:
    """All text on the page."""
    return "\n".join(plain(element.value) for kind in KINDS for element in app.get(kind))
