"""The main journey in a real browser: open, upload, change opacity and class, follow a link, no console error."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from covid_model.films.phantom import PHANTOMS, phantom_png

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The app on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if name != "COVID_XRAY_DATA"}
    server = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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


@pytest.fixture
def page(address: str):
    """A fresh browser page; the test fails when the console shows an error."""
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.set_default_timeout(90_000)
        yield tab
        browser.close()
    assert not errors, errors


def settled(page) -> None:
    """Wait until the page shows a heatmap and no rerun is under way."""
    page.wait_for_selector(".st-key-pictures .imagelayer image")
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached")
    page.wait_for_timeout(600)


def overlay(page) -> str:
    """The picture that lies over the right film, as its data address."""
    images = page.locator(".st-key-pictures .imagelayer image")
    return images.nth(images.count() - 1).get_attribute("href") or images.nth(images.count() - 1).get_attribute("xlink:href")


def choose(page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def test_the_main_journey(page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    settled(page)
    assert page.get_by_text("It is drawn by a program").is_visible()
    assert page.locator("[data-testid='stSidebarNavLink']").count() <= 1, "the menu shows each page once"

    film = tmp_path / "film.png"
    film.write_bytes(phantom_png(PHANTOMS["dense"]))
    page.locator("input[type=file]").set_input_files(str(film))
    page.get_by_text("Your upload").wait_for()
    settled(page)
    before = overlay(page)

    handle = page.locator(".st-key-opacity input[type=range]")
    handle.focus()
    for _ in range(6):
        handle.press("ArrowLeft")
    settled(page)
    paler = overlay(page)
    assert paler != before, "the overlay changes with opacity"

    choose(page, "Class to explain", "Normal - COVID-19")
    page.get_by_text("Where Normal - COVID-19 comes from").wait_for()
    assert overlay(page) != paler, "the overlay changes with the class"
    assert "target=Normal" in page.url


def test_a_link_opens_in_its_state(page, address: str) -> None:
    page.goto(f"{address}/?film=phantom-hazy&model=whole-film&target=Normal&cmap=viridis")
    settled(page)
    page.get_by_text("Where Normal comes from").wait_for()
    assert page.get_by_text("hazy patches low on both sides").first.is_visible()
    assert page.locator("[data-testid='stSidebarNavLink']").count() <= 1
