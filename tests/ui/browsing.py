"""What the browser tests share: the server, Chromium, and when a page is ready."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

VERDICT = re.compile("(Supported|Not supported|Withheld)$")
"""The text of the chip beside the answer; its icon's name comes before the word."""

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]


DRAWN = ".st-key-pictures .viewer[data-frames]"
"""The Explain page's viewer once it has drawn."""
PIXELS = """root => {
  const canvas = root.querySelector('canvas'), stage = canvas.getBoundingClientRect();
  const copy = document.createElement('canvas');
  const frames = [...root.querySelectorAll('figure:not([hidden]) .frame')], frame = frames.at(-1).getBoundingClientRect();
  const scale = canvas.width / stage.width;
  Object.assign(copy, {width: Math.round(frame.width * scale), height: Math.round(frame.height * scale)});
  copy.getContext('2d').drawImage(canvas, -(frame.left - stage.left) * scale, -(frame.top - stage.top) * scale);
  return copy.toDataURL();
}"""
"""The pixels of a viewer's last panel."""
VIEWER = """place => document.querySelector(place + ' [data-testid=stBidiComponentIsolated]')
  ?.shadowRoot.querySelector('.viewer')"""


@contextmanager
def served(settings: Mapping[str, str], log: Path | None = None) -> Iterator[str]:
    """The app on a free port, without public downloads unless `settings` name them; yields its address.

    log: gets all that the server writes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if name != "COVID_XRAY_DATA"} | dict(settings)
    with (log or Path(os.devnull)).open("wb") as output:
        server = subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(120):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                        break
                except OSError:
                    time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def is_fault(message) -> bool:
    """An error in the console. Two are none: Streamlit's own search for its server below the path of a deep link, and a
    picture that a newer run replaced before the browser came to ask for it.
    """
    return message.type == "error" and not any(part in message.location.get("url", "") for part in ("/_stcore/", "/media/"))


def menu(page) -> list[str]:
    return [text.split("\n")[-1] for text in page.locator("[data-testid='stSidebarNavLink']").all_inner_texts()]


def quiet(page) -> None:
    """Wait until no rerun is under way."""
    page.wait_for_selector("[data-testid=stHeading]")
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached")
    page.wait_for_timeout(600)


def settled(page) -> None:
    """Wait until the viewer has drawn a heatmap and no rerun is under way."""
    page.wait_for_selector(DRAWN)
    quiet(page)


def overlay(page) -> str:
    """What is drawn in the right panel, as the data address of its pixels."""
    return page.locator(DRAWN).evaluate(PIXELS)


def changed_overlay(page, before: str) -> str:
    """Wait until another picture is drawn in the right panel; returns it."""
    page.wait_for_function(
        f"before => ({PIXELS})(({VIEWER})('.st-key-pictures')) !== before", arg=before, polling=100, timeout=60_000
    )
    return overlay(page)
