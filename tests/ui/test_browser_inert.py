"""Markup in every kind of name that comes from outside is shown as text, in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import keras
import pandas as pd
import pytest
from browsing import CHROMIUM, quiet, served, settled

from covid_model.data.manifest import COLUMNS
from covid_model.data.saved_queries import write_saved_queries
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.importing import add_model, read_network
from covid_model.settings import MANIFEST, MODELS, RUNS, SAMPLES, THUMBNAILS
from covid_model.training.run_folder import RunFolder
from ui.inert import JOINER

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey"
    ),
]
EVERYTHING = (
    """root => [...root.querySelectorAll('*')].flatMap(e => e.shadowRoot ? [e, ...EVERYTHING(e.shadowRoot)] : [e])"""
)
"""All elements below one, with those inside components."""
ACTIVE = (
    f"() => {{ const EVERYTHING = {EVERYTHING};"
    + """ return EVERYTHING(document).filter(e =>
  ['href', 'src', 'srcset', 'data', 'action', 'xlink:href'].some(name => {
    const value = e.getAttribute(name) || '';
    return !value.startsWith('data:') && (value.split('?')[0].includes('beacon'));
  }) || e.tagName === 'SCRIPT' && e.text.includes('beacon')).map(e => e.outerHTML.slice(0, 300)); }"""
)
"""Elements that lead to a planted address; parameters of the app's own links may hold one."""
COLOURED = "() => [...document.querySelectorAll('.stMarkdownColoredText')].map(e => e.textContent)"
FILE = "![x](beacon.png) [c](beacon) <img src=beacon> :red[red] www.beacon.test"
"""Markup that a file name can hold."""


@dataclass
class Planted:
    """The app with planted names. title, model: title and key of the imported model, whose title must be short; markup: all
    other names; asked: the requests that the server at their addresses received.
    """

    address: str
    markup: str
    title: str
    model: str
    asked: list[str] = field(default_factory=list)


def markup(beacon: str) -> str:
    return (
        f"![x]({beacon}) [click]({beacon}) <img src={beacon}> <script>fetch('{beacon}')</script> <a href='{beacon}'>a</a> "
        f":red[red] $x$ `code` {beacon} www.beacon.test /etc/passwd"
    )


def plant_manifest(folder: Path, text: str) -> Path:
    """Images whose every text is `text`, with places on the map as of a measured manifest."""
    rows = []
    for number in range(4):
        path = folder / f"{FILE} {number}.png"
        path.write_bytes(phantom_png(list(PHANTOMS.values())[number % 3]))
        known = dict.fromkeys(COLUMNS, text) | {"path": str(path), "age": 40.0, "height": 512, "width": 512}
        known |= {
            "label": (text, "COVID-19")[number % 2],
            "source": (text, "b")[number % 2],
            "digest": f"{number:064x}",
            "phash": f"{7:064x}",
        }
        measured = {
            "model": text,
            "predicted": text,
            "confidence": 0.9,
            "correct": True,
            "map_x": 0.0,
            "map_y": float(number),
        }
        rows.append(known | measured)
    path = folder / "manifest.parquet"
    pd.DataFrame(rows).to_parquet(path)
    write_saved_queries(path, {text: {"source": text}})
    return path


def plant_run(folder: Path, text: str) -> None:
    run = RunFolder(folder / FILE)
    run.create({"model": "anshul", "manifest": text, "seed": text})
    RunFolder(folder / "other").create({"model": "anshul", "manifest": "m", "seed": "1"})
    run.set_status(text, epochs=2, epoch=2, reason=text)
    run.append({"kind": "step", "step": 1, "epoch": 1.0, "time": 1.0, "loss": 0.5, "images_per_second": 9.0})
    run.append({"kind": "epoch", "epoch": 1, "step": 2, "time": 2.0, "loss": 0.5, "val_loss": 0.4})


def plant_model(folder: Path, title: str, text: str) -> str:
    layers = keras.layers
    body = [keras.Input((64, 64, 3)), layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D()]
    keras.Sequential([*body, layers.Dense(1, activation="sigmoid")]).save(folder / "m.keras")
    file_model = read_network((folder / "m.keras").read_bytes())
    preprocessing = {"region": "image", "scaling": "unit"}
    return add_model(file_model, title=title, classes=(f"{text} no", text), preprocessing=preprocessing, folder=folder).key


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    folder, asked = tmp_path_factory.mktemp("planted"), list[str]()

    class Beacon(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    beacon = ThreadingHTTPServer(("127.0.0.1", 0), Beacon)
    Thread(target=beacon.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{beacon.server_port}/beacon"
    text, title = markup(place), f"![x]({place}) [c]({place}) <img src={place}> :red[red] www.beacon.test"
    for name in ("models", "runs", "images", "samples", "cache"):
        (folder / name).mkdir()
    plant_run(folder / "runs", text)
    key = plant_model(folder / "models", title, text)
    settings = {
        MODELS.variable: str(folder / "models"),
        RUNS.variable: str(folder / "runs"),
        SAMPLES.variable: str(folder / "samples"),
        THUMBNAILS.variable: str(folder / "cache"),
        MANIFEST.variable: str(plant_manifest(folder / "images", text)),
    }
    with served(settings) as address:
        yield Planted(address, text, title, key, asked)
    beacon.shutdown()
    beacon.server_close()


def shown(page) -> str:
    """All text of the page with blanks made one; texts of figures are in it too."""
    found = page.evaluate(
        f"() => {{ const EVERYTHING = {EVERYTHING};"
        " const inside = EVERYTHING(document).filter(e => e.getRootNode() !== document && e.matches('.viewer'));"
        " return [document.body, ...inside].map(e => e.innerText).join(' ')"
        " + [...document.querySelectorAll('svg text')].map(e => e.textContent); }"
    )
    return re.sub(r"\s+", " ", found.replace(JOINER, ""))


def check(page, planted: Planted, *expected: str) -> None:
    """Nothing of what was planted works, and all of `expected` can be read."""
    for _ in range(60):
        page.wait_for_timeout(500)
        text = shown(page)
        if all(part in text for part in expected):
            break
    for part in expected:
        assert part in text, f"{part!r} is not in {text!r}"
    assert page.evaluate(ACTIVE) == []
    assert "red" not in page.evaluate(COLOURED)
    assert planted.asked == []


def test_the_check_itself_finds_what_works(page, planted: Planted) -> None:
    page.goto(planted.address)
    quiet(page)
    for active in (
        "<img src='beacon.png'>",
        "<a href='http://127.0.0.1:1/beacon'>x</a>",
        "<a href='//www.beacon.test'>x</a>",
    ):
        page.evaluate("html => { document.querySelector('h1, h2').innerHTML = html }", active)
        assert page.evaluate(ACTIVE), active


def test_names_of_a_manifest_and_saved_queries(page, planted: Planted) -> None:
    page.goto(f"{planted.address}/dataset")
    quiet(page)
    provenance = page.get_by_test_id("stExpander").filter(has_text="Where these images come from")
    provenance.locator("summary").click()
    provenance.get_by_text("Do not redistribute images").first.wait_for()
    quiet(page)
    page.get_by_text("Saved queries").click()
    quiet(page)
    check(
        page, planted, f"{planted.markup}, {planted.markup}, {planted.markup}", f"{planted.markup}: {planted.markup}. Do not"
    )
    assert page.get_by_test_id("stExpander").get_by_role("link").inner_text().endswith(planted.markup.split()[-1])
    views = {"Understand": planted.markup, "Map": f"{planted.markup} (2)", "Quality": f"{FILE} 1.png"}
    for view, expected in views.items():
        page.get_by_role("tab", name=view).click()
        quiet(page)
        check(page, planted, expected)


def test_names_in_an_address(page, planted: Planted) -> None:
    page.goto(f"{planted.address}/dataset?" + urlencode({"source": planted.markup, "search": planted.markup + " z"}))
    quiet(page)
    check(page, planted, "0 images of 4")
    for name, word in {"image": "image", "model": "model", "method": "method", "target": "class"}.items():
        page.goto(f"{planted.address}/?" + urlencode({name: planted.markup}))
        check(page, planted, f"This link names the {word} “{planted.markup[:80]}”")
    page.goto(f"{planted.address}/?" + urlencode({"x": planted.markup}))
    settled(page)
    page.get_by_role("tab", name="Export").click()
    check(page, planted, "This address opens the current view", urlencode({"x": planted.markup}))


def test_an_imported_model_and_the_file_name_of_an_upload(page, planted: Planted) -> None:
    page.goto(f"{planted.address}/models")
    quiet(page)
    check(page, planted, f"{planted.title}: Imported from a file.")
    page.goto(f"{planted.address}/?" + urlencode({"model": planted.model, "target": planted.markup}))
    settled(page)
    upload = {"name": f"{FILE}.png", "mimeType": "image/png", "buffer": phantom_png(PHANTOMS["dense"])}
    page.locator("input[type=file]").first.set_input_files(upload)
    page.get_by_text("Your upload").wait_for()
    settled(page)
    page.get_by_role("button", name="where it comes from").click()
    check(page, planted, f"What raised the {planted.markup} score", f"Prediction of “{planted.title}”", FILE[:5])
    for tab in ("What if", "Class visualisation", "Export"):
        page.get_by_role("tab", name=tab).click()
        quiet(page)
        check(page, planted, *([f"the score of {planted.markup}"] if tab == "Class visualisation" else ()))
    page.goto(f"{planted.address}/compare?" + urlencode({"compare": "classes", "model": planted.model}))
    page.locator(".viewer[data-frames] .frame").nth(1).wait_for()
    check(page, planted, f"{planted.markup} no")
    page.goto(f"{planted.address}/compare?" + urlencode({"compare": "models"}))
    page.locator(".viewer[data-frames] .frame").nth(1).wait_for()
    page.get_by_role("combobox", name="Models").click()
    page.get_by_role("option").filter(has_text="beacon").click()
    page.locator(".viewer[data-frames] .frame").nth(2).wait_for()
    check(page, planted, planted.title)


def test_a_run(page, planted: Planted) -> None:
    page.goto(f"{planted.address}/training?" + urlencode({"run": FILE, "metric": planted.markup}))
    page.get_by_role("heading", name="beacon.png").wait_for()
    quiet(page)
    check(page, planted, FILE, planted.markup, f"{FILE}, training")
    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option", name="other").click()
    page.get_by_text("Different settings").wait_for()
    check(page, planted, FILE)
