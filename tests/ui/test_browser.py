"""The main journey in a real browser: open, upload, change opacity and class, follow a link, no console error."""

import re
from pathlib import Path

import keras
import pytest
from browsing import CHROMIUM, DRAWN, VERDICT, changed_overlay, menu, overlay, quiet, settled
from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect

from covid_model.data.synthetic_samples import shipped_samples
from covid_model.images.phantom import PHANTOMS, phantom_png
from ui.menu import PAGES

FIRST, SECOND = list(shipped_samples())[:2]
TITLES = [row.title for row in PAGES]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]


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
    page.goto(f"{address}/compare?image={SECOND}")
    page.wait_for_selector(".viewer[data-frames]")
    assert menu(page) == TITLES
    page.get_by_text("not a medical device").wait_for()
    page.wait_for_url(f"**/compare?image={SECOND}")


def test_the_main_journey(page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    settled(page)
    page.get_by_text("A synthetic image that shows no patient").wait_for()
    assert menu(page) == TITLES

    image = tmp_path / "image.png"
    image.write_bytes(phantom_png(PHANTOMS["dense"]))
    page.locator("input[type=file]").set_input_files(str(image))
    page.get_by_text("Your upload").wait_for()
    settled(page)
    before = overlay(page)

    handle = page.get_by_label("Opacity")
    handle.focus()
    for _ in range(6):
        handle.press("ArrowLeft")
    paler = changed_overlay(page, before)

    choose(page, "Class to explain", "Normal - COVID-19")
    page.locator("figcaption", has_text="What raised the Normal - COVID-19 score").wait_for()
    changed_overlay(page, paler)
    page.wait_for_url(lambda url: "target=Normal" in url and "opacity=0.3" in url)


def test_a_link_opens_in_its_state(page, address: str) -> None:
    page.goto(f"{address}/?image={SECOND}&model=whole-image&target=Normal&cmap=viridis")
    settled(page)
    page.locator("figcaption", has_text="What raised the Normal score").wait_for()
    page.get_by_text(f"seed {shipped_samples()[SECOND].seed}").first.wait_for()
    assert menu(page) == TITLES


@pytest.mark.parametrize("image", [FIRST, SECOND])
def test_answer_verdict_and_both_images_are_on_one_screen(page, address: str, image: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(f"{address}/?image={image}")
    settled(page)
    page.get_by_text(VERDICT).first.wait_for()
    frame = page.locator(f"{DRAWN} .frame").last.bounding_box()
    assert frame["y"] + frame["height"] <= 1000
    notice = page.get_by_text("not a medical device").bounding_box()
    shown = "([x, y]) => document.elementFromPoint(x, y).closest('[data-testid=stMain]') !== null"
    assert notice["y"] >= 0
    assert page.evaluate(shown, [notice["x"] + 20, notice["y"] + notice["height"] / 2]), "nothing covers the notice"


def test_a_page_rests_once_a_tested_method_is_chosen_while_tests_of_another_run(page, address: str) -> None:
    received: list[object] = []

    def note(frame: object) -> None:
        received.append(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    page.goto(f"{address}/?image={SECOND}&method=smoothgrad")  # its tests take long enough to be met
    page.get_by_text(re.compile(r"Testing \d of \d")).first.wait_for()
    choose(page, "Method", "Grad-CAM")
    page.get_by_text(VERDICT).first.wait_for()
    for _ in range(5):
        before = len(received)
        page.wait_for_timeout(2000)  # four times as long as between two updates of the tests
        if len(received) == before:
            break
    assert len(received) == before, "what ships with its verdict needs no timer, and the tests before it took theirs along"
    expect(page).not_to_have_url(re.compile("method="))


def test_slow_work_makes_way_for_its_cancel_button_and_for_another_method(page, address: str) -> None:
    page.goto(f"{address}/?image={SECOND}")
    settled(page)
    page.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name="RISE", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("RISE was cancelled").wait_for(timeout=10_000)
    page.get_by_role("button", name="Run RISE anyway").click()
    page.get_by_role("button", name="Cancel").wait_for()
    choose(page, "Method", "HiResCAM")
    page.get_by_role("button", name="Cancel").wait_for(state="detached", timeout=10_000)
    expect(page).to_have_url(re.compile("method=hirescam"))
    page.locator(".st-key-pictures").get_by_label(re.compile("HiResCAM heatmap")).first.wait_for()


def test_a_rectangle_drawn_on_the_image_is_changed_and_the_answer_with_it(page, address: str) -> None:
    page.goto(f"{address}/?image={SECOND}&model=whole-image")
    settled(page)
    page.get_by_text(VERDICT).first.wait_for()
    page.get_by_role("tab", name="What if").click()
    image = page.locator(".st-key-whatif_image .nsewdrag").first
    image.scroll_into_view_if_needed()
    area = image.bounding_box()
    page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.3 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.8 * area["width"], area["y"] + 0.7 * area["height"], steps=8)
    page.mouse.up()
    page.locator(".st-key-whatif_across").get_by_text("0.2").first.wait_for()
    page.get_by_role("button", name="Blank to black").click()
    page.get_by_text("points").first.wait_for()
    expect(page.locator("[data-testid=stMetric]")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("No changes yet.").wait_for()


def test_a_training_is_started_watched_and_its_model_used(page, address: str, noisy_manifest: Path) -> None:
    page.goto(f"{address}/training")
    quiet(page)
    page.get_by_text("Start a training run").click()
    page.get_by_role("combobox", name="Model").fill("Steveroger")
    page.get_by_role("option", name="Steveroger's small CNN").click()
    quiet(page)
    page.get_by_role("textbox", name="Manifest", exact=True).fill(str(noisy_manifest))
    page.get_by_role("textbox", name="Run name").fill("first-try")
    page.get_by_role("spinbutton", name="Epochs of the whole network").fill("2")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("first-try is starting").wait_for()
    page.get_by_role("heading", name="first-try").wait_for()
    page.locator(".stMarkdownBadge", has_text="finished").wait_for()
    page.get_by_text("2 of 2").wait_for()
    page.reload()
    page.get_by_text("What the model looks at").wait_for()
    page.locator("[data-testid=stImage] img").nth(6).wait_for()  # three drawn images and four validation images

    page.get_by_role("button", name="Use as a model").click()
    page.get_by_role("link", name="Explain an image with first-try").click()
    page.wait_for_url("**model=first-try*")
    settled(page)


def test_an_own_model_is_imported_and_one_with_code_refused(page, address: str, tmp_path: Path) -> None:
    layers = keras.layers
    body = [keras.Input((64, 64, 3)), layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D()]
    keras.Sequential([*body, layers.Dense(1, activation="sigmoid")]).save(tmp_path / "own-network.keras")
    keras.Sequential([*body, layers.Lambda(lambda x: x), layers.Dense(1)]).save(tmp_path / "code.keras")
    page.goto(f"{address}/models")
    page.get_by_text("Add your own model").click()
    upload = page.locator("input[type=file]")
    upload.set_input_files(str(tmp_path / "code.keras"))
    page.get_by_text("holds a Lambda layer, which is code").wait_for()
    upload.set_input_files(str(tmp_path / "own-network.keras"))
    page.get_by_text("heatmaps at conv").wait_for()
    page.get_by_role("button", name="Add the model").click()
    page.get_by_text("own-network was added").wait_for()
    page.goto(f"{address}/?model=own-network")
    settled(page)
    page.get_by_role("button", name="where it comes from").click()
    page.get_by_text("not calibrated").first.wait_for()


def test_images_are_narrowed_down_and_one_is_explained(page, address: str) -> None:
    page.goto(f"{address}/dataset?split=train")
    page.get_by_text("14 images").wait_for()
    quiet(page)
    narrow_down(page, "Label", "COVID-19 (5)", "**label=COVID-19**")
    page.get_by_text("5 images").wait_for()
    page.wait_for_url("**split=train*")
    page.locator("[data-testid=stImage] img").nth(4).wait_for()
    page.get_by_role("tab", name="Understand").click()
    page.get_by_text("What gives labels away").wait_for()
    quiet(page)
    page.get_by_role("tab", name="Browse").click()
    page.get_by_text("5 images").wait_for()
    quiet(page)
    page.get_by_role("link", name="Explain").nth(1).click()  # the first is the menu's
    page.get_by_text("Not explained.").wait_for()  # noise is no chest X-ray, and the input check says so
    page.get_by_role("button", name="Explain it anyway").click()
    settled(page)
    page.get_by_text(re.compile("Withheld$")).first.wait_for()
    page.wait_for_url("**image=image-*")
    page.get_by_text("drawn · 0.png").first.wait_for()
