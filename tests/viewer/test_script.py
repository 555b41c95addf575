"""The viewer's script and style: whole, in plain files, with the colours of Python's overlay."""

import base64

import cv2
import numpy as np
import pytest

from covid_model.explain.overlay import COLORMAPS, FOR
from covid_model.viewer.script import HERE, PARTS, constants, script, style


def test_every_file_is_part_of_it_and_short_enough_to_read() -> None:
    files = {path.stem: path.read_text("utf-8") for path in HERE.glob("*.js")}
    assert set(files) == {*PARTS, "streamlit", "report"}
    for name, text in files.items():
        assert len(text.splitlines()) <= 250, name
        assert "innerHTML" not in text, "names from outside are set as text"
    assert style().startswith(".viewer {")


@pytest.mark.parametrize("last", ["streamlit", "report"])
def test_it_is_one_script_that_fetches_nothing_from_elsewhere(last: str) -> None:
    text = script(last)
    assert all((HERE / f"{name}.js").read_text("utf-8") in text for name in (*PARTS, last))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "import " not in text.replace("// ", "")
    assert ("export default" in text) == (last == "streamlit")
    assert "</script" not in text


def test_the_colours_are_those_of_the_overlay() -> None:
    shared = constants()
    assert shared["raised"] == FOR
    for name, row in COLORMAPS.items():
        table = np.frombuffer(base64.b64decode(shared["colormaps"][name]["table"]), np.uint8).reshape(256, 3)
        for value in (0, 100, 255):
            expected = cv2.applyColorMap(np.array([[value]], np.uint8), row.code)[0, 0, ::-1]
            np.testing.assert_array_equal(table[value], expected)
