"""The first answer of the Explain page waits for nothing that it does not use."""

import subprocess
import sys
from pathlib import Path

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
