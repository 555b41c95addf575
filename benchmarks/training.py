"""How fast a training runs, and what watching it costs.

    python -m benchmarks.training [--steps 20] [--repeat 3] [--out benchmarks/results/training.json]

Three questions, each answered in pairs that alternate so that a busy machine hurts both sides alike:
- the project's loop, with everything it writes, against plain `model.fit` on the same batches, both with a running mean;
- the input pipeline alone, against a loop without input work;
- a refresh of the Training page for a run of 100,000 metric rows, and while such a run grows.
The images are noise in memory: reading and shrinking them happens once before a training and is not measured.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras
import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from benchmarks.surroundings import ROOT, arguments_of, finish, machine
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.specs import MODELS, ModelSpec
from covid_model.training.batches import ImageBatches
from covid_model.training.classifier import ClassifierTask
from covid_model.training.config import TrainConfig
from covid_model.training.distribute import one_worker
from covid_model.training.image_cache import SIDE, SmallImage
from covid_model.training.losses import classification_loss
from covid_model.training.metrics_writer import EpochSoFar, MetricsWriter
from covid_model.training.run_folder import RunFolder
from covid_model.training.schedule import make_optimiser
from covid_model.training.train_step import make_step

IMAGES: Final = 256
ROWS: Final = 100_000
CALLBACKS: Final = 0.03
REFRESH_S: Final = 0.2


def batches(row: ModelSpec, config: TrainConfig) -> ImageBatches:
    """Shuffled and augmented views of noise."""
    rng = np.random.default_rng(0)
    images = [SmallImage(rng.integers(0, 255, (SIDE, SIDE), np.uint8), np.ones((SIDE, SIDE), bool)) for _ in range(IMAGES)]
    label = rng.integers(0, len(row.classes), IMAGES)
    return ImageBatches(images, label, np.ones(IMAGES, np.float32), row.preprocessing, len(row.classes), config)


def task(row: ModelSpec, config: TrainConfig) -> ClassifierTask:
    """What is trained; its images come from `batches` and not from a manifest."""
    rows = [(label, split) for label in row.labels for split in ("train", "val")]
    table = pd.DataFrame(rows, columns=["label", "split"])
    return ClassifierTask(row, config, table, LungSegmenter.load(), one_worker())


def ours(row: ModelSpec, config: TrainConfig, source: ImageBatches, folder: Path) -> float:
    """Images a second of the project's loop, its compilation apart."""
    step = make_step(task(row, config), make_optimiser(config), one_worker())
    run = RunFolder(folder)
    run.create(config.as_dict())
    metrics_writer, sofar = MetricsWriter(run, accuracy=True), EpochSoFar(0, source.steps, source.batch, 0)
    nothing = np.float32(0)
    step(*source.at(0, 0), np.float32(1e-4), nothing)
    begun = time.perf_counter()
    for number, batch in enumerate(source.epoch(0), 1):
        loss, right, _ = (float(value) for value in step(*batch, np.float32(1e-4), np.float32(run.asked_to_stop())))
        sofar.add(loss, right)
        if number % config.log_every == 0:
            metrics_writer.step(sofar, number, 1e-4, config.log_every)
    return source.steps * source.batch / (time.perf_counter() - begun)


def plain_fit(row: ModelSpec, config: TrainConfig, source: ImageBatches) -> float:
    """Images a second of `model.fit` without callbacks on the same batches."""
    model = row.build()
    optimiser = keras.optimizers.AdamW(
        1e-4, weight_decay=config.weight_decay, clipnorm=1.0, use_ema=True, ema_momentum=config.ema
    )
    model.compile(
        optimiser,
        lambda onehot, logits: classification_loss(logits, onehot, config.label_smoothing),
        weighted_metrics=["accuracy"],
    )
    model.train_on_batch(*source.at(0, 0))
    begun = time.perf_counter()
    model.fit(source.dataset(0), verbose=0)
    return source.steps * source.batch / (time.perf_counter() - begun)


def input_alone(source: ImageBatches) -> float:
    """Images a second of the pipeline with nobody training on them."""
    begun = time.perf_counter()
    for _ in source.epoch(0):
        pass
    return source.steps * source.batch / (time.perf_counter() - begun)


def without_input(row: ModelSpec, config: TrainConfig, source: ImageBatches) -> float:
    """Images a second of the compiled step on one batch again and again."""
    step = make_step(task(row, config), make_optimiser(config), one_worker())
    batch, nothing = source.at(0, 0), np.float32(0)
    step(*batch, np.float32(1e-4), nothing)
    begun = time.perf_counter()
    for _ in range(source.steps):
        float(step(*batch, np.float32(1e-4), nothing)[0])
    return source.steps * source.batch / (time.perf_counter() - begun)


def long_run(folder: Path, rows: int) -> RunFolder:
    """A run with `rows` lines of metrics."""
    run = RunFolder(folder / "long")
    run.create(TrainConfig("anshul", init="random").as_dict())
    lines = []
    for step in range(1, rows + 1):
        line = {"kind": "step", "step": step, "epoch": step / 10_000, "time": 1000.0 + step, "loss": 1 / step**0.5}
        lines.append(
            line | {"accuracy": 0.5, "learning_rate": 1e-3, "images_per_second": 50.0, "memory_mb": 900.0, "eta_s": 60.0}
        )
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def refreshes(rows: int, repeat: int) -> dict[str, Any]:
    """Seconds of a rerun of the Training page while the run grows by a line each time; the first look apart."""
    with TemporaryDirectory() as folder:
        os.environ["COVID_XRAY_RUNS"] = folder
        run = long_run(Path(folder), rows)
        lock = run.claim()
        run.set_status("training", epochs=10, epoch=5.0)
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
        app.switch_page("pages/training.py")
        app.query_params["run"] = "long"
        begun = time.perf_counter()
        app.run()
        first = time.perf_counter() - begun
        taken = []
        for turn in range(repeat):
            run.append(
                {"kind": "step", "step": rows + turn + 1, "epoch": 5.0, "time": 2e5, "loss": 0.1, "learning_rate": 1e-3}
            )
            begun = time.perf_counter()
            app.run()
            taken.append(time.perf_counter() - begun)
        if lock is not None:
            lock.release()
        if app.exception:
            raise RuntimeError(app.exception[0].message)
    return {"rows": rows, "first_s": first, "refresh_s": statistics.median(taken)}


def main() -> int:
    """Measure, print, write. Exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description="speed of training and of watching it")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = arguments_of(parser, "training")
    surroundings = machine()
    row = MODELS["whole-image"]
    config = TrainConfig("whole-image", steps=arguments.steps, init="random")
    source = batches(row, config)
    rounds = []
    with TemporaryDirectory() as folder:
        for turn in range(arguments.repeat):
            rounds.append(
                {
                    "ours": ours(row, config, source, Path(folder) / str(turn)),
                    "plain_fit": plain_fit(row, config, source),
                    "without_input": without_input(row, config, source),
                    "input_alone": input_alone(source),
                }
            )
            print(json.dumps(rounds[-1]))
    speeds = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    cost = statistics.median(1 - each["ours"] / each["plain_fit"] for each in rounds)
    pages = [refreshes(rows, 5) for rows in (100, ROWS)]
    kept = {"callbacks cost at most 3 %": cost <= CALLBACKS, "refresh under 200 ms": pages[-1]["refresh_s"] < REFRESH_S}
    result = {
        **surroundings,
        "images_per_second": speeds,
        "cost_over_plain_fit": cost,
        "rounds": rounds,
        "pages": pages,
        "kept": kept,
    }
    finish(result, arguments.out)
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
