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

import keras
import pytest
from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import sync_playwright

from covid_model.films.phantom import PHANTOMS, phantom_png
from covid_model.zoo.own import OWN_FOLDER
from ui.manifest import MANIFEST
from ui.menu import PAGES
from ui.runs import RUNS_FOLDER

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]

TITLES = [row.title for row in PAGES]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, noisy_manifest: Path) -> Iterator[str]:
    """The app on a free port, with folders of its own for runs and models, and a manifest of noise."""
    folder = tmp_path_factory.mktemp("user")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if name != "COVID_XRAY_DATA"}
    environment |= {RUNS_FOLDER: str(folder / "runs"), OWN_FOLDER: str(folder / "models"), MANIFEST: str(noisy_manifest)}
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

    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        tab.on("console", lambda message: errors.append(f"{message.text} {message.location}") if is_fault(message) else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.set_default_timeout(90_000)
        yield tab
        browser.close()
    assert not errors, errors


def is_fault(message) -> bool:
    """An error in the console, but for Streamlit's own search for its server below the path of a deep link."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


def menu(page) -> list[str]:
    return [text.split("\n")[-1] for text in page.locator("[data-testid='stSidebarNavLink']").all_inner_texts()]


def quiet(page) -> None:
    """Wait until no rerun is under way."""
    page.wait_for_selector("[data-testid=stHeading]")
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached")
    page.wait_for_timeout(600)


def settled(page) -> None:
    """Wait until the page shows a heatmap and no rerun is under way."""
    page.wait_for_selector(".st-key-pictures .imagelayer image")
    quiet(page)


def overlay(page) -> str:
    """The picture that lies over the right film, as its data address."""
    images = page.locator(".st-key-pictures .imagelayer image")
    return images.nth(images.count() - 1).get_attribute("href") or images.nth(images.count() - 1).get_attribute("xlink:href")


def changed_overlay(page, before: str) -> str:
    """Wait until another picture lies over the right film, and the old ones are gone; returns it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page.wait_for_timeout(200)
        if page.locator(".st-key-pictures .imagelayer image").count() == 3 and (now := overlay(page)) != before:
            return now
    raise AssertionError("the overlay did not change")


def choose(page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def narrow_down(page, label: str, option: str, address: str) -> None:
    """Choose a filter's value; once more where a rerun took the list away under the click, as a person would."""
    for _ in range(3):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option).click()
        try:
            page.wait_for_url(address, timeout=15_000)
            return
        except NotInTime:
            quiet(page)
    raise AssertionError(f"{option} was not taken")


def test_a_deep_link_to_a_server_that_just_started_goes_through_the_entry(page, address: str) -> None:
    """This test stands first: later ones find a server whose menu was drawn before."""
    page.goto(f"{address}/compare?film=phantom-dense")
    page.wait_for_selector("[data-testid=stImage] img")
    assert menu(page) == TITLES
    assert page.get_by_text("not a medical device").is_visible()
    assert page.url.endswith("/compare?film=phantom-dense")


def test_the_main_journey(page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    settled(page)
    assert page.get_by_text("It is drawn by a program").is_visible()
    assert menu(page) == TITLES

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
    paler = changed_overlay(page, before)

    choose(page, "Class to explain", "Normal - COVID-19")
    page.get_by_text("Where Normal - COVID-19 comes from").wait_for()
    changed_overlay(page, paler)
    assert "target=Normal" in page.url


def test_a_link_opens_in_its_state(page, address: str) -> None:
    page.goto(f"{address}/?film=phantom-hazy&model=whole-film&target=Normal&cmap=viridis")
    settled(page)
    page.get_by_text("Where Normal comes from").wait_for()
    assert page.get_by_text("hazy patches low on both sides").first.is_visible()
    assert menu(page) == TITLES


def test_a_rectangle_drawn_on_the_film_is_changed_and_the_answer_with_it(page, address: str) -> None:
    page.goto(f"{address}/?film=phantom-hazy&model=whole-film")
    settled(page)
    page.get_by_text("Not supported:").or_(page.get_by_text("Supported:")).first.wait_for()
    page.get_by_role("tab", name="What if").click()
    film = page.locator(".st-key-whatif_film .nsewdrag").first
    film.scroll_into_view_if_needed()
    area = film.bounding_box()
    page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.3 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.8 * area["width"], area["y"] + 0.7 * area["height"], steps=8)
    page.mouse.up()
    page.locator(".st-key-whatif_across").get_by_text("0.2").first.wait_for()
    page.get_by_role("button", name="Blank to black").click()
    page.get_by_text("points").first.wait_for()
    assert page.locator("[data-testid=stMetric]").count() == 3
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Nothing is changed yet.").wait_for()


def test_a_training_is_started_watched_and_its_model_used(page, address: str, noisy_manifest: Path) -> None:
    page.goto(f"{address}/training")
    quiet(page)
    page.get_by_text("Start a training").click()
    page.get_by_role("combobox", name="Model").fill("Steveroger")
    page.get_by_role("option", name="Steveroger's small CNN").click()
    quiet(page)
    page.get_by_role("textbox", name="Manifest", exact=True).fill(str(noisy_manifest))
    page.get_by_role("textbox", name="Name of the run").fill("first-try")
    page.get_by_role("spinbutton", name="Epochs").fill("2")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("first-try is starting").wait_for()
    page.get_by_role("heading", name="first-try").wait_for()
    page.get_by_text("finished").wait_for()
    page.get_by_text("2.0 of 2").wait_for()
    page.reload()
    page.get_by_text("What it looks at").wait_for()
    page.locator("[data-testid=stImage] img").nth(6).wait_for()  # three drawn films and four validation films

    page.get_by_role("button", name="Use as a model").click()
    page.get_by_role("link", name="Explain a film with first-try").click()
    settled(page)
    assert "model=first-try" in page.url


def test_an_own_model_is_brought_and_one_with_code_refused(page, address: str, tmp_path: Path) -> None:
    layers = keras.layers
    body = [keras.Input((64, 64, 3)), layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D()]
    keras.Sequential([*body, layers.Dense(1, activation="sigmoid")]).save(tmp_path / "brought.keras")
    keras.Sequential([*body, layers.Lambda(lambda x: x), layers.Dense(1)]).save(tmp_path / "code.keras")
    page.goto(f"{address}/models")
    page.get_by_text("Bring your own model").click()
    upload = page.locator("input[type=file]")
    upload.set_input_files(str(tmp_path / "code.keras"))
    page.get_by_text("holds a Lambda layer, which is code").wait_for()
    upload.set_input_files(str(tmp_path / "brought.keras"))
    page.get_by_text("heatmaps at conv").wait_for()
    page.get_by_role("button", name="Add the model").click()
    page.get_by_text("brought is there").wait_for()
    page.goto(f"{address}/?model=brought")
    settled(page)
    page.get_by_text("not calibrated").first.wait_for()


def test_films_are_narrowed_down_and_one_is_explained(page, address: str) -> None:
    page.goto(f"{address}/dataset?split=train")
    page.get_by_text("14 films").wait_for()
    quiet(page)
    narrow_down(page, "Label", "COVID-19 (5)", "**label=COVID-19**")
    page.get_by_text("5 films").wait_for()
    assert "split=train" in page.url
    page.locator("[data-testid=stImage] img").nth(4).wait_for()
    page.get_by_role("tab", name="Understand").click()
    page.get_by_text("What gives a label away").wait_for()
    quiet(page)
    page.get_by_role("tab", name="Browse").click()
    page.get_by_text("5 films").wait_for()
    quiet(page)
    page.get_by_role("link", name="Explain").nth(1).click()  # the first is the menu's
    settled(page)
    assert "film=film-" in page.url
    page.get_by_text("drawn · 0.png").first.wait_for()
