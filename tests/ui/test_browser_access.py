"""The app for people without a mouse, without eyes for colour or pictures, and with a phone; in a real browser."""

import pytest
from browsing import CHROMIUM, VERDICT, changed_overlay, overlay, quiet, settled

from covid_model.data.synthetic_samples import shipped_samples
from ui.menu import PAGES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]
SECOND = list(shipped_samples())[1]
PLACES = ["", *(page.file.removeprefix("pages/").removesuffix(".py") for page in PAGES[1:])]
SHIFTS = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(e => { sum += e.value; }))
    .observe({type: 'layout-shift', buffered: false});
  window.shifted = () => sum; done();
})"""


def focused(page) -> str:
    """Role and name, as a screen reader would say them, of the element that has the focus."""
    return page.evaluate(
        "() => { const e = document.activeElement, name = e.getAttribute('aria-label') || e.innerText || '';"
        " return `${e.getAttribute('role') || e.tagName} ${name}`; }"
    )


def tab_to(page, role: str, words: str) -> None:
    """Press Tab until the focus is on something of this role and with these words."""
    passed = []
    for _ in range(80):
        page.keyboard.press("Tab")
        passed.append(focused(page))
        if passed[-1].startswith(role) and words in passed[-1]:
            return
    raise AssertionError(f"no way by keyboard to the {role} {words!r}, but to {passed}")


def test_the_main_journey_needs_no_mouse(page, address: str) -> None:
    page.goto(address)
    settled(page)
    before = overlay(page)
    tab_to(page, "combobox", "choose an image")
    page.keyboard.type(f"{shipped_samples()[SECOND].label}-like, seed {shipped_samples()[SECOND].seed}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**image={SECOND}*")
    before = changed_overlay(page, before)
    settled(page)
    tab_to(page, "combobox", "Class to explain")
    page.keyboard.type("Normal - COVID")
    page.keyboard.press("Enter")
    page.wait_for_url("**target=*")
    changed_overlay(page, before)
    tab_to(page, "tab", "Can you trust it?")
    page.keyboard.press("ArrowRight")
    page.get_by_text("Draw a rectangle on the image").wait_for()


@pytest.mark.parametrize("place", PLACES)
def test_every_picture_and_chart_says_what_it_shows(page, address: str, place: str) -> None:
    page.goto(f"{address}/{place}")
    quiet(page)
    page.wait_for_timeout(2000)
    bare = page.locator("[data-testid=stImage] img:not([alt]), [data-testid=stImage] img[alt='']").count()
    assert bare == 0
    for frame in page.locator(".viewer .frame").all():
        assert frame.get_attribute("role") == "img"
        assert frame.get_attribute("aria-label")
    for chart in page.locator("[data-testid=stPlotlyChart]").all():
        assert chart.evaluate("e => !!(e.closest('[aria-label]') || e.querySelector('[aria-label]'))"), chart.inner_text()


@pytest.mark.parametrize("place", PLACES)
def test_a_phone_shows_every_page_without_scrolling_sideways(page, address: str, place: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/{place}")
    quiet(page)
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = "all => all.filter(e => e.getBoundingClientRect().right > 392).map(e => e.outerHTML.slice(0, 80))"
    for what in ("h2", "img", ".js-plotly-plot", ".viewer *"):
        assert page.locator(f"[data-testid=stMain] {what}").evaluate_all(wide) == []


def test_the_page_does_not_jump_while_a_map_is_made(page, address: str) -> None:
    """Cumulative layout shift (web.dev) after a choice; 0.1 is called good."""
    page.goto(address)
    settled(page)
    page.get_by_text(VERDICT).first.wait_for()
    page.evaluate(SHIFTS)
    before = overlay(page)
    page.get_by_role("combobox", name="Class to explain").click()
    page.get_by_role("option", name="Normal - COVID-19", exact=True).click()
    changed_overlay(page, before)
    settled(page)  # all of the page is there, and not the map alone
    assert page.evaluate("window.shifted()") < 0.1
