"""Every method and trust test: time and memory warm, against tf-keras-vis where both exist, and from 1 to 64 images.

python -m benchmarks.methods [--model KEY] [--repeat 5] [--out FILE.json]
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.explain import drawn_image
from benchmarks.surroundings import Row, machine, timed
from covid_model.errors import CovidModelError
from covid_model.explain.engine import explain
from covid_model.explain.methods import METHODS, keras_vis
from covid_model.explain.methods.cam import GradCam
from covid_model.explain.target import resolve_target
from covid_model.models.classifier import Classifier, load
from covid_model.models.predict import predict
from covid_model.models.specs import DEFAULT_MODEL, MODELS
from covid_model.trust.audit_record import load_audit_record
from covid_model.trust.score import TrustInput
from covid_model.trust.trust_tests import TRUST_TESTS

CHANNELS: Final = 32
SAMPLES: Final = 16
IMAGES: Final = (1, 4, 16, 64)
BARS: Final = {
    "all class activation and gradient methods": 2.0,
    "rise": 20.0,
    "all trust tests": 10.0,
}
"""Seconds an image, warm, on two cores, as the project promises them."""


def peak_memory() -> float:
    """Largest resident size of this process so far, in MB (10^6 bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def median(call: Callable[[], object], repeat: int) -> float:
    """Median seconds of `repeat` calls after one that is not counted."""
    call()
    return statistics.median(timed(call) for _ in range(repeat))


def method_rows(classifier: Classifier, repeat: int) -> list[Row]:
    """Every method on one image, with the process's peak memory so far."""
    prediction = predict(classifier, drawn_image(0))
    rows = []
    for key, row in METHODS.items():
        turns = max(1, repeat // 2) if row.slow else repeat
        seconds = median(lambda key=key: explain(classifier, prediction, method=key), turns)  # type: ignore[misc]
        rows.append({"method": key, "family": row.family, "median_s": seconds, "peak_mb": peak_memory()})
    return rows


def against_keras_vis(classifier: Classifier, repeat: int) -> list[Row]:
    """Ours and tf-keras-vis, interleaved, same model, layer and settings."""
    backend, layer = classifier.gradients, classifier.card.explanation_layers[0]
    batch = classifier.prepare(drawn_image(0)).batch
    target = resolve_target(classifier.card.classes[0], classifier.card.classes, backend.units)
    at = {"layer": layer}
    pairs: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
        "gradcam": (keras_vis.grad_cam, at),
        "gradcampp": (keras_vis.grad_cam_plus_plus, at),
        "layercam": (keras_vis.layer_cam, at),
        "hirescam": (keras_vis.hires_cam, at),
        "scorecam": (keras_vis.score_cam, {**at, "channels": CHANNELS}),
        "saliency": (keras_vis.saliency, {}),
        "smoothgrad": (keras_vis.saliency, {"samples": SAMPLES}),
    }
    rows = []
    for name, (reference, options) in pairs.items():
        ours = partial(METHODS[name], classifier, batch, target, **options)
        theirs = partial(reference, backend, batch, target, **options)
        rounds = [(timed(ours), timed(theirs)) for _ in range(repeat + 1)][1:]
        one, other = (statistics.median(side) for side in zip(*rounds, strict=True))
        rows.append({"method": name, "ours_s": one, "tf_keras_vis_s": other, "times_faster": other / one})
    return rows


def trust_rows(classifier: Classifier, repeat: int) -> list[Row]:
    """Every trust test on the default heatmap of one image."""
    image = drawn_image(0)
    prediction = predict(classifier, image)
    measured = load_audit_record(classifier.key, classifier.weights_digest)
    inputs = TrustInput(classifier, image, prediction, explain(classifier, prediction), measured)
    return [
        {"test": key, "median_s": median(lambda row=row: row.run(inputs), repeat), "peak_mb": peak_memory()}  # type: ignore[misc]
        for key, row in TRUST_TESTS.items()
    ]


def growth_rows(classifier: Classifier) -> list[Row]:
    """Image to heatmap, one after the other, and Grad-CAM as one batch, for more and more images."""
    rows = []
    target = resolve_target(classifier.card.classes[0], classifier.card.classes, classifier.gradients.units)
    layer = classifier.card.explanation_layers[0]
    for count in IMAGES:
        images = [drawn_image(seed) for seed in range(count)]
        start = time.perf_counter()
        batch = np.concatenate([predict(classifier, image).prepared.batch for image in images])
        predicted = time.perf_counter() - start
        together = timed(lambda batch=batch: GradCam().maps(classifier, batch, target, layer))  # type: ignore[misc]
        rows.append({"images": count, "predict_s": predicted, "grad_cam_batch_s": together, "peak_mb": peak_memory()})
    return rows


def bars(methods: list[Row], tests: list[Row]) -> list[Row]:
    """The promised times, each with what was measured."""
    quick = [row for row in methods if row["family"] != "perturbation" and row["method"] != "gradcam-tkv"]
    found = {
        "all class activation and gradient methods": sum(row["median_s"] for row in quick),
        "rise": next(row["median_s"] for row in methods if row["method"] == "rise"),
        "all trust tests": sum(row["median_s"] for row in tests),
    }
    return [{"what": name, "seconds": found[name], "bar_s": bar, "kept": found[name] <= bar} for name, bar in BARS.items()]


def print_rows(title: str, rows: list[Row]) -> None:
    """Rows as a plain table."""
    print(f"\n{title}")
    for row in rows:
        print(
            "  "
            + ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items())
        )


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="time and memory of every method and trust test")
    parser.add_argument("--model", choices=MODELS, default=DEFAULT_MODEL, help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=5, help="rounds, default: %(default)s")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    try:
        classifier = load(arguments.model)
    except CovidModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    methods, tests = method_rows(classifier, arguments.repeat), trust_rows(classifier, arguments.repeat)
    report: dict[str, Any] = {
        "model": arguments.model,
        "weights_digest": classifier.weights_digest,
        **machine(),
        "repeat": arguments.repeat,
        "methods": methods,
        "against_tf_keras_vis": against_keras_vis(classifier, arguments.repeat),
        "trust_tests": tests,
        "growth": growth_rows(classifier),
        "bars": bars(methods, tests),
    }
    for title in ("methods", "against_tf_keras_vis", "trust_tests", "growth", "bars"):
        print_rows(title, report[title])
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
