"""The viewer in the running app: what was chosen survives reruns, other pages and a new visit of the address."""

import json
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import CHROMIUM, DRAWN, changed_overlay, overlay, settled
from playwright.sync_api import expect

from covid_model.data.synthetic_samples import shipped_samples

SECOND = list(shipped_samples())[1]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]
COUNT = """() => {
  window.addresses = [];
  for (const name of ['pushState', 'replaceState']) {
    const before = history[name].bind(history);
    history[name] = (...all) => { window.addresses.push([name, String(all[2])]); return before(...all); };
  }
}"""


def look(page) -> dict[str, object]:
    found: dict[str, object] = json.loads(page.locator(DRAWN).get_attribute("data-look"))
    return found


def params(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_many_changes_are_one_update_of_the_address_and_a_link_shows_them_again(page, address: str) -> None:
    page.goto(f"{address}/?image={SECOND}&panel=Export")
    settled(page)
    page.evaluate(COUNT)
    stage = page.locator(DRAWN).locator(".stage")
    stage.focus()
    before = overlay(page)
    for key in ("[", "[", "[", "i", "c", "l", "+", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    drawn = changed_overlay(page, before)
    page.wait_for_url("**opacity=0.45*")
    settled(page)
    wanted = {
        "opacity": ["0.45"],
        "cmap": ["viridis"],
        "invert": ["true"],
        "lungs": ["false"],
        "zoom": ["1.25", "0.5", "0.5"],
    }
    assert {name: params(page)[name] for name in wanted} == wanted
    assert len(params(page)["window"]) == 2
    assert params(page)["image"] == [SECOND]
    with_look = {(kind, place.rpartition("/")[2]) for kind, place in page.evaluate("window.addresses") if "opacity" in place}
    assert [kind for kind, _ in with_look] == ["replaceState"], "one debounced update, which is no step of the history"
    drawn = overlay(page)
    shown = look(page)

    page.get_by_role("combobox", name="Class to explain").click()
    page.get_by_role("option", name="Normal - COVID-19", exact=True).click()
    other = changed_overlay(page, drawn)
    assert look(page) == shown, "a rerun changes the map and nothing else"
    page.wait_for_url("**target=*")
    settled(page)

    page.goto(page.url)
    settled(page)
    assert look(page) == shown
    assert overlay(page) == other, "the same pixels"


def test_back_undoes_one_choice_and_no_change_of_the_look_is_a_step(page, address: str) -> None:
    page.goto(f"{address}/?image={SECOND}&panel=Export")
    settled(page)
    page.get_by_role("combobox", name="Class to explain").click()
    page.get_by_role("option", name="Normal", exact=True).click()
    page.wait_for_url("**target=Normal*")
    settled(page)
    page.locator(DRAWN).locator(".stage").focus()
    for key, value in (("[", "0.55"), ("[", "0.5")):
        page.keyboard.press(key)
        page.wait_for_url(f"**opacity={value}*")
        settled(page)
    page.go_back()
    page.wait_for_url(lambda url: "target" not in url)
    page.locator("figcaption", has_text="What raised the COVID-19 score").wait_for()
    assert params(page)["image"] == [SECOND]


def test_the_look_comes_along_to_another_page(page, address: str) -> None:
    page.goto(f"{address}/?panel=Export")
    settled(page)
    page.get_by_label("Opacity").press("ArrowLeft")
    page.wait_for_url("**opacity=0.55*")
    page.get_by_role("link", name="Compare").first.click()
    page.wait_for_selector(".st-key-panels .viewer[data-frames]")
    found = json.loads(page.locator(".st-key-panels .viewer").get_attribute("data-look"))
    assert found["opacity"] == 0.55
    page.wait_for_url("**/compare?*opacity=0.55*")


def test_it_draws_while_another_process_keeps_a_core_busy(page, address: str) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"], env=dict(os.environ))
    try:
        page.goto(f"{address}/?panel=Export")
        settled(page)
        before = overlay(page)
        page.locator(DRAWN).locator(".stage").focus()
        page.keyboard.press("i")
        inverted = changed_overlay(page, before)
        page.wait_for_url("**invert=true*")
        settled(page)  # the rerun that wrote the address has ended
        assert overlay(page) == inverted
    finally:
        busy.kill()
        busy.wait()


def test_a_phone_shows_one_image_at_a_time(page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/?panel=Export")
    settled(page)
    frames = page.locator(DRAWN).locator("figure:not([hidden]) .frame")
    expect(frames).to_have_count(1)
    assert frames.bounding_box()["width"] > 340
    heat = overlay(page)
    page.locator(DRAWN).get_by_role("button", name="Image", exact=True).click()
    changed_overlay(page, heat)
    expect(page.locator("figure:not([hidden]) figcaption")).to_have_text("Image")
