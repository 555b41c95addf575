"""The viewer by itself in a real browser: every key, button, drag and touch does what it says."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from viewing import BOX, HEIGHT, IN_BROWSER, WIDTH, Shown, drawn_image, explained, pair, viewers

from covid_model.viewer.look import Look
from covid_model.viewer.payload import Panel

pytestmark = IN_BROWSER


KEYS = [
    ("]", {"opacity": 0.65}),
    ("[", {"opacity": 0.55}),
    (".", {"threshold": 0.05}),
    ("c", {"cmap": "viridis"}),
    ("i", {"invert": True}),
    ("l", {"lungs": False}),
    ("k", {"lesions": False}),
    ("r", {"region": True}),
    ("Shift+ArrowLeft", {"window": [0.01, 0.99]}),
    ("+", {"zoom": [1.25, 0.5, 0.5]}),
]


@pytest.fixture(scope="module")
def outlined(browser) -> Iterator[Shown]:
    """A viewer with every outline, which each test leaves with the first look."""
    image = drawn_image()
    mask = np.zeros(image.shape, bool)
    mask[50:100, 50:100] = True
    with viewers(browser) as show:
        yield show(pair(image, explained(image), lungs=mask, lesions=mask, region=mask))


@pytest.mark.parametrize(("key", "look"), KEYS)
def test_every_key_changes_the_look_in_one_drawn_frame(outlined: Shown, key: str, look: dict[str, Any]) -> None:
    shown = outlined
    shown.page.locator(".stage").focus()
    before = shown.frames()
    shown.page.keyboard.press(key)
    shown.until(**look)
    assert shown.frames() == before + 1
    assert {**asdict(Look()), **look} == {
        name: tuple(value) if isinstance(value, list) and name not in look else value for name, value in shown.look().items()
    }
    shown.page.keyboard.press("0")
    shown.until(**{name: Look().json()[name] for name in look})


def test_layouts_by_keyboard_and_what_they_show(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)))
    plain, over = shown.pixels(0), shown.pixels(1)
    shown.page.locator(".stage").focus()
    shown.page.keyboard.press("m")
    shown.until_mode("wipe")
    wiped = shown.pixels(0)
    middle = wiped.shape[1] // 2
    assert shown.page.locator("figure:not([hidden])").count() == 1
    assert (wiped[:, : middle - 1] == wiped[:, : middle - 1, :1]).all(), "left of the line the image is grey"
    assert (wiped[:, middle + 1 :].std(axis=-1) > 2).any(), "right of it the map has colours"
    before = shown.frames()
    shown.page.get_by_label("Wipe", exact=True).fill("0")
    shown.page.wait_for_selector(f".viewer:not([data-frames='{before}'])")
    assert (shown.pixels(0)[:, : middle - 1].std(axis=-1) > 2).any(), "the map is everywhere"
    shown.page.locator(".stage").focus()
    shown.page.keyboard.press("m")
    shown.until_mode("flicker")
    shown.page.keyboard.press("m")
    shown.until_mode("single")
    assert shown.page.locator("figure:not([hidden]) figcaption").inner_text() == "Map"
    shown.page.keyboard.press("n")
    shown.page.wait_for_selector(f".viewer[data-drawn='{image.digest}']")
    shown.page.keyboard.press("m")
    shown.until_mode("side")
    np.testing.assert_array_equal(shown.pixels(0), plain)
    np.testing.assert_array_equal(shown.pixels(1), over)


def test_zoom_and_place_are_the_same_in_every_panel_and_the_page_keeps_its_wheel(show) -> None:
    image = drawn_image()
    mask = np.zeros(image.shape, bool)
    mask[100:200, 100:200] = True
    shown = show(pair(image, explained(image), lungs=mask))
    area = shown.page.locator(".frame").first.bounding_box()
    x, y = area["x"] + 100, area["y"] + 100
    shown.page.mouse.move(x, y)
    shown.page.mouse.wheel(0, 200)
    shown.page.wait_for_function("scrollY > 100")
    assert shown.look()["zoom"] == [1, 0.5, 0.5]
    shown.page.evaluate("scrollTo(0, 0)")
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -60)
    shown.page.keyboard.up("Control")
    shown.page.wait_for_function("JSON.parse(document.querySelector('.viewer').dataset.look).zoom[0] > 1.5")
    assert shown.page.evaluate("scrollY") == 0
    zoomed, zoom = shown.pixels(0).astype(int), shown.look()["zoom"]
    corner = shown.page.locator(".lungs").evaluate_all(
        "all => all.map(e => { const r = e.getBoundingClientRect(); "
        "const f = e.closest('.frame').getBoundingClientRect(); return [r.left - f.left, r.top - f.top]; })"
    )
    assert corner[0] == pytest.approx(corner[1])
    assert corner[0][0] == pytest.approx(100 + 0.5 * shown.look()["zoom"][0], abs=1.5), "what is under the pointer stays"
    shown.page.mouse.down()
    shown.page.mouse.move(x + 40, y + 20, steps=4)
    shown.page.mouse.up()
    factor, across, down = zoom
    place = [round(across - 40 / factor / WIDTH, 4), round(down - 20 / factor / HEIGHT, 4)]
    shown.page.wait_for_function(
        "wanted => JSON.parse(document.querySelector('.viewer').dataset.look).zoom.slice(1)"
        ".every((value, index) => Math.abs(value - wanted[index]) < 0.001)",
        arg=place,
    )
    moved = shown.pixels(0).astype(int)
    assert np.abs(moved[20:, 40:] - zoomed[:-20, :-40]).max() <= 3, "the same, but for the rounding of the place"


def test_a_phone_shows_one_image_at_a_time_with_the_full_width(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)), width=390, has_touch=True)
    shown.until_mode("single")
    assert shown.page.locator("figure:not([hidden]) figcaption").inner_text() == "Map"
    assert shown.page.locator("figure:not([hidden]) .frame").bounding_box()["width"] == 390
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown.page.get_by_role("button", name="Image", exact=True).click()
    shown.page.wait_for_selector(f".viewer[data-drawn='{image.digest}']")
    touch = shown.page.context.new_cdp_session(shown.page)
    box = shown.page.locator("figure:not([hidden]) .frame").bounding_box()
    place = {"x": box["x"] + 300, "y": box["y"] + 100}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{**place, "x": place["x"] - 150}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    shown.page.wait_for_selector(".viewer[data-drawn*=gradcam]")


def test_two_fingers_zoom(show) -> None:
    image = drawn_image()
    shown = show(pair(image, explained(image)), width=390, has_touch=True)
    touch = shown.page.context.new_cdp_session(shown.page)
    box = shown.page.locator("figure:not([hidden]) .frame").bounding_box()
    x, y = box["x"] + 195, box["y"] + 140
    for kind, apart in (("touchStart", 50), ("touchMove", 75), ("touchMove", 100)):
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    shown.page.wait_for_function("JSON.parse(document.querySelector('.viewer').dataset.look).zoom[0] > 1.5")
    assert shown.page.evaluate("scrollY") == 0


def test_every_control_has_a_name_and_titles_stay_text(show) -> None:
    image = drawn_image()
    title = "<img src=x onerror=alert(1)> **bold**"
    shown = show([Panel("Image", "the image", image), Panel(title, title, image, explanation=explained(image), box=BOX)])
    assert shown.page.locator("figcaption").nth(1).inner_text() == title
    assert shown.page.locator(".viewer img").count() == 0
    bare = shown.page.locator(".viewer :is(button, input, select)").evaluate_all(
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.innerText || e.closest('label')?.innerText))"
        ".map(e => e.outerHTML)"
    )
    assert bare == []
    assert [frame.get_attribute("aria-label") for frame in shown.page.locator(".frame").all()] == ["the image", title]
