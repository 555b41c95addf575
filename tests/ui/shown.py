"""A page under AppTest, and its text as a reader sees it."""

import json
import re
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from ui.inert import JOINER

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
WORDS = ("Supported", "Not supported", "Withheld")
KINDS = ("markdown", "caption", "subheader", "success", "error", "warning", "info")


def opened(**query: str | list[str]) -> AppTest:
    """The Explain page, at an address with these parameters."""
    app = AppTest.from_file(ENTRY, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def values_of(app: AppTest, name: str) -> list[str]:
    """All values of a parameter of the address."""
    found: str | list[str] = app.query_params[name]
    return [found] if isinstance(found, str) else found


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


def verdict_word(app: AppTest) -> str:
    """The word on the chip beside the answer."""
    words = [word for word in WORDS for badge in app.main.markdown if f" {word}]" in badge.value]
    assert len(words) == 1
    return words[0]
