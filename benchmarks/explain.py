"""Predict and Grad-CAM: ours against tf-keras-vis, Keras' own predict and the bare compiled forward pass, in one run.

    python -m benchmarks.explain [--model KEY] [--repeat 10] [--out FILE.json]

Cold: the first call in a process of its own, with that process's peak memory. Warm: the median of `--repeat` rounds, each
of which runs every case once, so that a busy moment of the machine falls on all of them alike.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import CovidModelError
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier, load
from covid_model.models.specs import DEFAULT_MODEL, MODELS

Call = Callable[[], object]
Row = dict[str, Any]

BATCH: Final = 16
LEAST_REPEAT: Final = 10
"""Below this many rounds a median says little."""
BARS: Final = (
    ("Grad-CAM over the forward pass", "Grad-CAM", "forward pass", 1.5, "at most"),
    ("tf-keras-vis over Grad-CAM", "Grad-CAM (tf-keras-vis)", "Grad-CAM", 8.0, "at least"),
)
"""(what, numerator, denominator, bar, side): ratios of warm medians for one image, as the project promises them."""


def drawn_image(seed: int) -> XrayImage:
    """A drawn chest X-ray that no patient owns, (512, 512), with noise of its own for each seed."""
    pixels = draw_phantom(replace(PHANTOMS["hazy"], seed=seed)).astype(np.float32) / np.float32(255)
    return XrayImage(pixels, f"{seed:064x}", "png")


def network_cases(classifier: Classifier, batch: NDArray[np.float32]) -> dict[str, Call]:
    """The calls to compare on one batch (b, height, width, channels), by name. The default layer and first class."""
    import tensorflow as tf

    from covid_model.explain.methods import keras_vis
    from covid_model.explain.methods.cam import GradCam
    from covid_model.explain.target import resolve_target

    network, card = classifier.network, classifier.card
    layer = card.explanation_layers[0]
    target = resolve_target(card.classes[0], card.classes, classifier.gradients.units)
    forward = tf.function(lambda image: network(image, training=False))
    return {
        "forward pass": lambda: forward(tf.constant(batch)).numpy(),
        "predict": lambda: classifier.probabilities(classifier.logits(batch)),
        "predict (Keras)": lambda: network.predict(batch, verbose=0),
        "Grad-CAM": lambda: GradCam().maps(classifier, batch, target, layer),
        # the reference computes the maps of the whole batch, though it returns the first
        "Grad-CAM (tf-keras-vis)": lambda: keras_vis.grad_cam(classifier.gradients, batch, target, layer=layer),
    }


def image_cases(classifier: Classifier, image: XrayImage) -> dict[str, Call]:
    """What a user waits for: from an image that has been read to an answer, lungs found and all."""
    from covid_model.explain.engine import explain
    from covid_model.models.predict import predict

    prediction = predict(classifier, image)
    return {
        "image to probabilities": lambda: predict(classifier, image),
        "probabilities to heatmap": lambda: explain(classifier, prediction),
    }


def timed(call: Call) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_memory() -> float:
    """Largest resident size of this process so far, in MB (10^6 bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def cold(key: str, case: str, images: int) -> Row:
    """Load the model `key` and run one case once; for a fresh process."""
    start = time.perf_counter()
    classifier = load(key)
    batch = np.concatenate([classifier.prepare(drawn_image(seed)).batch for seed in range(images)])
    ready = time.perf_counter() - start
    first = timed(network_cases(classifier, batch)[case])
    return {"case": case, "images": images, "ready_s": ready, "first_call_s": first, "peak_mb": peak_memory()}


def cold_rows(key: str) -> list[Row]:
    """`cold` for every case, one image and a batch. Before TensorFlow is loaded here: Linux counts its size to theirs."""
    names = ("forward pass", "predict", "predict (Keras)", "Grad-CAM", "Grad-CAM (tf-keras-vis)")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return [pool.submit(cold, key, name, images).result() for images in (1, BATCH) for name in names]


def warm_rows(classifier: Classifier, repeat: int) -> list[Row]:
    """Median, fastest and slowest of `repeat` interleaved rounds after one that is not counted."""
    images = [drawn_image(seed) for seed in range(BATCH)]
    batch = np.concatenate([classifier.prepare(image).batch for image in images])
    rows = []
    for count in (1, BATCH):
        cases = network_cases(classifier, batch[:count])
        if count == 1:
            cases |= image_cases(classifier, images[0])
        rounds = [{name: timed(call) for name, call in cases.items()} for _ in range(repeat + 1)][1:]
        for name in cases:
            seconds = [one[name] for one in rounds]
            median = statistics.median(seconds)
            rows.append({"case": name, "images": count, "median_s": median, "min_s": min(seconds), "max_s": max(seconds)})
    return rows


def ratios(rows: list[Row]) -> list[Row]:
    """The promised ratios of warm medians for one image, each with its bar and whether it is kept."""
    median = {row["case"]: row["median_s"] for row in rows if row["images"] == 1}
    found = []
    for what, over, under, bar, side in BARS:
        value = median[over] / median[under]
        kept = value <= bar if side == "at most" else value >= bar
        found.append({"what": what, "value": value, "bar": f"{side} {bar:g}", "kept": kept})
    return found


def machine() -> Row:
    """Where and with what the numbers were measured."""
    from covid_model.explain.explanation import versions

    return {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def print_report(report: Row) -> None:
    """The report as a table for people."""
    print(f"model {report['model']}, layer {report['layer']}, {report['repeat']} rounds, load {report['load_before']:.1f}")
    print(f"\n{'first call in a process':28}{'images':>6}{'load s':>9}{'call s':>9}{'peak MB':>9}")
    for row in report["cold"]:
        print(f"{row['case']:28}{row['images']:6}{row['ready_s']:9.1f}{row['first_call_s']:9.2f}{row['peak_mb']:9.0f}")
    print(f"\n{'warm, ms':28}{'images':>6}{'median':>9}{'min':>9}{'max':>9}")
    for row in report["warm"]:
        numbers = "".join(f"{row[name] * 1000:9.1f}" for name in ("median_s", "min_s", "max_s"))
        print(f"{row['case']:28}{row['images']:6}{numbers}")
    print()
    for row in report["ratios"]:
        print(f"{row['what']}: {row['value']:.2f}, to be {row['bar']}: {'kept' if row['kept'] else 'MISSED'}")


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="speed and memory of predict and Grad-CAM against their peers")
    parser.add_argument("--model", choices=MODELS, default=DEFAULT_MODEL, help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=LEAST_REPEAT, help="rounds, default and least: %(default)s")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    if arguments.repeat < LEAST_REPEAT:
        parser.error(f"--repeat needs at least {LEAST_REPEAT}. Received: {arguments.repeat}.")
    busy = os.getloadavg()[0]
    try:
        first = cold_rows(arguments.model)
        classifier = load(arguments.model)
    except CovidModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    warm = warm_rows(classifier, arguments.repeat)
    layer = classifier.card.explanation_layers[0]
    report = {"model": arguments.model, "weights_digest": classifier.weights_digest, "layer": layer, "load_before": busy}
    report |= {
        **machine(),
        "repeat": arguments.repeat,
        "cold": first,
        "warm": warm,
        "ratios": ratios(warm),
        "peak_mb": peak_memory(),
    }
    print_report(report)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
