"""Write a page for every explanation method and trust test from the tables, and the notebook from its page.

`python -m docs.pages` writes them, `python -m docs.pages --pictures` the example pictures of the methods too. A test holds
the pages to the tables.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Final

import cv2
import numpy as np

from covid_model.explain.methods import DEFAULT_METHOD, METHODS, Method
from covid_model.explain.options import Option
from covid_model.models.card import read_card
from covid_model.models.specs import MODELS, get_model
from covid_model.settings import WEIGHTS
from covid_model.trust.benchmark import benchmark, line_of_test
from covid_model.trust.ledger import attributes_path, headline, ledger, load_attributes
from covid_model.trust.likeness import broken_on
from covid_model.trust.region import load_regions, region_path
from covid_model.trust.trust_tests import TRUST_TESTS, TrustTest
from docs.trust_benchmark import number

DOCS: Final = Path(__file__).parent
EXAMPLE: Final = "covid-19-0"
MODEL: Final = "lungs"
SIDE: Final = 280
"""Pixels of an example picture's longer side."""
SYMBOLS: Final = (
    "y is the score that is explained: the logit of the class, or the difference of two logits. A is the layer's "
    "activations, h x w cells by k channels, and G the gradient of y with respect to A."
)
BELOW: Final = "<!-- Below: written from the results files by `python -m docs.pages`. -->"
WRITTEN: Final = "<!-- Written from the tables by `python -m docs.pages`; change the tables, not this file. -->"


def formula(row: Method | TrustTest) -> str:
    """What the class says about how it computes, with the paper's equations.

    >>> formula(METHODS["gradcam"])
    'Grad-CAM (eq. 1 and 2): w_k = mean_ij(G_ijk).'
    """
    return dedent(inspect.getdoc(type(row)) or "")


def settings_table(options: tuple[Option, ...]) -> list[str]:
    """A method's settings, as on the command line; nothing where it has none."""
    if not options:
        return []
    rows = [
        f"| `--{one.name}` | {', '.join(one.choices) if one.choices else f'{one.low:g} to {one.high:g}'} | {one.default} |"
        for one in options
    ]
    return ["## Settings", "", "| setting | values | default |", "|---|---|---|", *rows, ""]


def evidence_lines(method: str) -> list[str]:
    """How well the method's maps found planted evidence in the trust benchmark; nothing where it was not measured."""
    found = benchmark().get("evidence", {}).get("opacity", {}).get("all", {}).get(method)
    if not found:
        return []
    return [
        "## How good is it?",
        "",
        f"On drawn images, in models that use no shortcut, its maximum was on the planted opacity in "
        f"{number(found['hit'])} of the images (pointing game), and its AUPRC against the opacity's outline was "
        f"{number(found['auprc'])}. "
        "[Trust benchmark](../trust-benchmark.md) compares all methods.",
        "",
    ]


def method_page(row: Method) -> str:
    """The page of one explanation method."""
    signed = "Signed: negative values are evidence against the class." if row.signed else "Not negative."
    where = "Taken at a layer, so as coarse as that layer." if row.needs_layer else "Taken at the model's input."
    lines = [f"# {row.label}", "", WRITTEN, "", row.shows, "", f"![{row.label} of a synthetic X-ray]({row.key}.jpg)", ""]
    lines += ["## What it does not show", "", row.limits, "", "## Formula", "", "```text", formula(row), "```", ""]
    lines += [SYMBOLS if row.needs_layer else "y is the score that is explained.", "", f"{signed} {where}", ""]
    lines += settings_table(row.options) + evidence_lines(row.key)
    lines += ["## Use it", "", "```sh", f"python -m covid_model explain chest.png --method {row.key} --out out", "```", ""]
    lines += ["```python", "from covid_model import load_model, read_image", ""]
    lines += [f'result = load_model("{MODEL}").explain(read_image("chest.dcm"), method="{row.key}")', "```", ""]
    return "\n".join([*lines, "## Paper", "", f"{row.paper}."]) + "\n"


def test_page(row: TrustTest) -> str:
    """The page of one trust test."""
    weight = "The verdict rests on this test." if row.decides else "For information: the verdict does not rest on this test."
    if row.required:
        weight += " A supported verdict needs it to pass."
    if row.qualifies:
        weight += " It may add a caveat to a supported verdict, or withhold it."
    better = "Better than chance is higher." if row.better == "higher" else "Better than chance is lower."
    picture = f"![What the test says of a synthetic X-ray]({test_file(row).with_suffix('.png').name})"
    lines = [f"# {row.question}", "", WRITTEN, "", row.how, "", f"{weight} {better}", "", picture, ""]
    lines += ["## Formula", "", "```text", formula(row), "```", ""]
    if measured := line_of_test(row.key, next(iter(METHODS))):
        lines += ["## How often is it right?", "", f"{measured} [Trust benchmark](../trust-benchmark.md)", ""]
    lines += ["## Use it", "", "```sh", "python -m covid_model explain chest.png --trust --out out", "```", ""]
    return "\n".join([*lines, f"`{row.key}` in records and tables.", "", "## Paper", "", f"{row.paper}."]) + "\n"


def test_file(row: TrustTest) -> Path:
    """The page of a trust test; its picture, which `docs.screenshots` takes, lies beside it."""
    return DOCS / "trust-tests" / f"{row.key.replace('_', '-')}.md"


def _weights_digest(model: str) -> str:
    """As the card of a shipped model has it."""
    return read_card(WEIGHTS / get_model(model).card_name).weights_sha256


def region_table() -> str:
    """Size and coverage of the default method's region for every shipped model, and where the promise fails."""
    lines = [
        "| model | size | class kept | fails on images from | least kept by sources left out |",
        "|---|---|---|---|---|",
    ]
    for key in (key for key in MODELS if region_path(key, WEIGHTS).is_file()):
        size = load_regions(key, _weights_digest(key))[DEFAULT_METHOD]
        fails = ", ".join(sorted(broken_on(size.by_source, size.level))) or "no source"
        source, least = min(size.left_out.items(), key=lambda pair: pair[1]["value"])
        lines.append(f"| `{key}` | {size.share:.0%} | {number(size.coverage)} | {fails} | {number(least)}, {source} |")
    return "\n".join(lines) + "\n"


def attributes_table() -> str:
    """For every shipped model and attribute: is it encoded in the features, and do the scores follow it?"""
    lines: list[str] = []
    for key in (key for key in MODELS if attributes_path(key, WEIGHTS).is_file()):
        rows = ledger(load_attributes(key, _weights_digest(key)))
        if not lines:
            lines = [f"| model | {' | '.join(row.title for row in rows)} |", "|---" * (1 + len(rows)) + "|"]
        lines.append(f"| `{key}` | {' | '.join(headline(row).removeprefix(f'{row.title}: ') for row in rows)} |")
    return "\n".join(lines) + "\n"


def notebook(page: str) -> str:
    """A page as a Jupyter notebook: its Python blocks as cells, what stands between them as text."""
    cells = []
    for place, part in enumerate(re.split(r"```python\n(.*?)```\n", page, flags=re.DOTALL)):
        known: dict[str, object] = {"id": f"cell-{place}", "metadata": {}, "source": part.strip()}
        if place % 2:
            cells.append({"cell_type": "code", "execution_count": None, "outputs": [], **known})
        elif part.strip():
            cells.append({"cell_type": "markdown", **known})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with its text."""
    for row in METHODS.values():
        yield DOCS / "methods" / f"{row.key}.md", method_page(row)
    for test in TRUST_TESTS.values():
        yield test_file(test), test_page(test)
    for page, table in ((DOCS / "region.md", region_table()), (DOCS / "attributes.md", attributes_table())):
        yield page, f"{page.read_text('utf-8').partition(BELOW)[0]}{BELOW}\n\n{table}"
    yield DOCS / "notebook.ipynb", notebook((DOCS / "notebook.md").read_text("utf-8"))


def write_pictures() -> None:
    """The example picture of every method: a synthetic X-ray beside its overlay."""
    from covid_model import load_model, sample_image

    model, image = load_model(MODEL), sample_image(EXAMPLE)
    grey = cv2.cvtColor((image.pixels * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    prediction = model.predict(image)
    for row in METHODS.values():
        data = model.explain(image, row.key, prediction=prediction).overlay()
        overlay = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert overlay is not None
        both = np.hstack([cv2.resize(each, (SIDE, round(SIDE * grey.shape[0] / grey.shape[1]))) for each in (grey, overlay)])
        cv2.imwrite(str(DOCS / "methods" / f"{row.key}.jpg"), both, [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, "utf-8")
    if "--pictures" in sys.argv:
        write_pictures()
