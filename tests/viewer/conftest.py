"""Chromium, and viewers in it."""

from collections.abc import Callable, Iterator

import pytest
from browsing import CHROMIUM, FLAGS
from playwright.sync_api import Browser, sync_playwright
from viewing import Shown, viewers


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Shown]]:
    """Opens a viewer; the test fails where its page had an error."""
    with viewers(browser) as open_viewer:
        yield open_viewer
