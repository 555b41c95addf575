"""The image on which a person chooses a rectangle, and why figures wait for pandas."""

import base64
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from covid_model.plots.selectable import LONGEST, selectable_image

ROOT = Path(__file__).resolve().parents[2]
HALF = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
thread = threading.Thread(target=lambda: __import__("pandas"))
thread.start()
while "pandas" not in sys.modules:
    time.sleep(0.01)
assert not hasattr(sys.modules["pandas"], "Series"), "another thread is half way through"
import numpy as np
from covid_model.plots.selectable import selectable_image
assert hasattr(sys.modules["pandas"], "Series"), "figures wait for the whole of pandas"
selectable_image(np.zeros((4, 4), np.uint8), (0, 0, 1, 1))
thread.join()
"""
SLOW = "import time\ntime.sleep(3)\nclass Series: pass\nclass Index: pass\nclass DataFrame: pass\n"


def test_a_figure_waits_for_pandas_that_another_thread_is_importing(tmp_path: Path) -> None:
    """Plotly reads `pandas.Series` from `sys.modules`, and failed where only half of pandas was there."""
    (tmp_path / "pandas.py").write_text(SLOW)
    done = subprocess.run(
        [sys.executable, "-c", HALF, str(tmp_path)], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_an_image_is_sent_at_screen_size_with_the_rectangle_on_it() -> None:
    figure = selectable_image(np.zeros((2000, 3000), np.uint8), (0.1, 0.2, 0.3, 0.4))
    source = figure.layout.images[0].source
    sent = cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert max(sent.shape) == LONGEST
    shape = figure.layout.shapes[0]
    assert (shape.y0, shape.x0, shape.y1, shape.x1) == (0.1, 0.2, 0.3, 0.4)
    assert figure.layout.yaxis.scaleratio == 2000 / 3000
