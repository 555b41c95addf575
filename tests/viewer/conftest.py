"""Viewers in a browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from viewing import Shown, viewers


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Shown]]:
    """Opens a viewer; the test fails where its page had an error."""
    with viewers(browser) as open_viewer:
        yield open_viewer
