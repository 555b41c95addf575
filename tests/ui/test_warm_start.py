"""The first answer of the Explain page waits for nothing that it does not use."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from browsing import served

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("tensorflow", "keras", "sklearn", "pandas", "covid_model.plots", "scipy.stats", "duckdb", "matplotlib")

CODE = f"""
import gc
import sys
from streamlit.testing.v1 import AppTest
import ui.tensorflow_start

begun = []
ui.tensorflow_start.start_tensorflow = lambda: begun.append(set(sys.modules))
import ui.explain.trust_panel
ui.explain.trust_panel.run_tests_in_background = lambda inputs: None
app = AppTest.from_file("streamlit_app.py", default_timeout=120).run()
assert not app.exception, app.exception
assert app.get("bidi_component"), "there is a picture"
ui.tensorflow_start.wait_for_tensorflow()
assert gc.get_freeze_count() > 50_000, "what stays is no work for Streamlit's garbage collection after every run"
assert begun, "TensorFlow is begun with the answer on the page, since the trust tests will need it"
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""


def test_the_first_answer_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


WARM = """
import ui.loaders
from ui.warm_up import prepare_first_answer

prepare_first_answer()
def again(*_):
    raise AssertionError("predicted again")
ui.loaders.predict = ui.loaders.check_image = again
ui.loaders.Model = ui.loaders.LungSegmenter = None
from streamlit.testing.v1 import AppTest
import ui.explain.trust_panel
ui.explain.trust_panel.run_tests_in_background = lambda inputs: None
app = AppTest.from_file("streamlit_app.py", default_timeout=120).run()
assert not app.exception, app.exception
assert app.get("bidi_component"), "there is a picture"
"""


def test_the_first_visitor_waits_for_no_prediction() -> None:
    done = subprocess.run([sys.executable, "-c", WARM], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads what a process has loaded from /proc")
def test_a_server_prepares_the_first_answer_before_anybody_comes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served({}, log) as address:
        [server] = [
            process
            for process in psutil.Process().children()
            if process.status() != psutil.STATUS_ZOMBIE and address.rpartition(":")[2] in " ".join(process.cmdline())
        ]
        loaded, end = Path(f"/proc/{server.pid}/maps"), time.monotonic() + 60
        while "onnxruntime" not in loaded.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        assert "onnxruntime" in loaded.read_text()
        before, used = -1.0, server.cpu_times().user
        while used > before + 0.05:  # its warnings, if any, come until it rests
            time.sleep(1)
            before, used = used, server.cpu_times().user
    assert "Traceback" not in log.read_text() and "ScriptRunContext" not in log.read_text()
