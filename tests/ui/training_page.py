"""What the tests of the Training page share: runs that nobody trained, and the page opened on them."""

from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from covid_model.training.config import TrainConfig
from covid_model.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]


def recorded(folder: Path, name: str, state: str = "finished", **config: object) -> RunFolder:
    """A run of two epochs as a trainer would have left it; nobody trains it."""
    run = RunFolder(folder / name)
    run.create(TrainConfig("anshul", init="random", **config).as_dict())  # type: ignore[arg-type]
    run.set_status(state, epochs=2, epoch=2)
    for step in range(1, 21):
        line = {"kind": "step", "step": step, "epoch": step / 10, "time": 1000.0 + step, "loss": 1 / step, "accuracy": 0.5}
        run.append({**line, "learning_rate": 1e-3, "images_per_second": 50.0, "memory_mb": 900.0, "eta_s": 60.0})
    for epoch in (1, 2):
        line = {
            "kind": "epoch",
            "epoch": epoch,
            "step": 10 * epoch,
            "time": 1000.0 + 10 * epoch,
            "loss": 0.5,
            "accuracy": 0.6,
        }
        matrix = [[3, 1], [0, 4]]
        run.append(
            {**line, "val_loss": 0.7 - 0.1 * epoch, "val_accuracy": 0.8, "confusion": matrix, "attention_in_lungs": 0.3}
        )
        np.savez(
            run.path / "maps" / f"epoch-{epoch:03d}.npz",
            maps=np.random.default_rng(epoch).random((2, 10, 10)).astype(np.float16),
            inputs=np.full((2, 100, 100), 90, np.uint8),
            label=np.array([1, 0]),
            lungs=np.zeros((2, 100, 100), bool),
            drawn=np.array([True, False]),
        )
    return run


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app
