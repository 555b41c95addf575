"""Predict and Grad-CAM on one EfficientNet-Lite0: ours on both engines against their peers, in one process.

    python -m benchmarks.explain [--model KEY] [--repeat 10] [--out benchmarks/results/explain.json]

Warm: the median of `--repeat` rounds, each of which runs every case once, so that a busy moment of the machine falls on all
of them alike. The PyTorch libraries take their turns where requirements-convert.txt is installed. At once: images per second
from 1, 2 and 4 threads that share one session of ONNX Runtime or have one each.
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.surroundings import Row, arguments_of, finish, machine, spread, timed
from benchmarks.torch_peers import prepare, timed_case
from covid_model.backends.base import threads_of_a_pass
from covid_model.backends.onnx import OnnxBackend
from covid_model.errors import CovidModelError
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier, load
from covid_model.models.specs import DEFAULT_MODEL, MODELS
from covid_model.settings import WEIGHTS

Call = Callable[[], object]

BATCH: Final = 16
LEAST_REPEAT: Final = 10
"""Below this many rounds a median says little."""
AT_ONCE: Final = (1, 2, 4)
TURNS: Final = 40
"""Images that are answered at once, by all threads together."""


def drawn_image(seed: int) -> XrayImage:
    """A drawn chest X-ray that no patient owns, (512, 512), with noise of its own for each seed."""
    pixels = draw_phantom(replace(PHANTOMS["hazy"], seed=seed)).astype(np.float32) / np.float32(255)
    return XrayImage(pixels, f"{seed:064x}", "png")


def network_cases(classifier: Classifier, batch: NDArray[np.float32]) -> dict[str, Call]:
    """The calls to compare on one batch (b, height, width, channels), by name. The default layer and first class."""
    from covid_model.explain.methods import keras_vis
    from covid_model.explain.methods.cam import GradCam
    from covid_model.explain.target import resolve_target

    network, card, gradients = classifier.network, classifier.card, classifier.gradients
    layer, units = card.explanation_layers[0], classifier.forward.units
    target = resolve_target(card.classes[0], card.classes, units)
    weights = np.eye(units, dtype=np.float32)[0]
    return {
        "forward pass": lambda: classifier.logits(batch),
        "forward pass (TensorFlow)": lambda: gradients.run(batch),
        "predict (Keras)": lambda: network.predict(batch, verbose=0),
        "Grad-CAM": lambda: GradCam().maps(classifier, batch, target, layer),
        "Grad-CAM (TensorFlow)": lambda: GradCam().weights(*gradients.layer_state(batch, weights, layer)[:2]),
        # the reference computes the maps of the whole batch, though it returns the first
        "Grad-CAM (tf-keras-vis)": lambda: keras_vis.grad_cam(gradients, batch, target, layer=layer),
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


def warm_rows(classifier: Classifier, repeat: int) -> tuple[list[Row], str]:
    """Spread of `repeat` interleaved rounds after an uncounted one, and why PyTorch took no part ("" where it did)."""
    images = [drawn_image(seed) for seed in range(BATCH)]
    batch = np.concatenate([classifier.prepare(image).batch for image in images])
    rows, reason = [], ""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as torch:
        for count in (1, BATCH):
            calls = network_cases(classifier, batch[:count])
            if count == 1:
                calls |= image_cases(classifier, images[0])
            turns: dict[str, Callable[[], float]] = {name: partial(timed, call) for name, call in calls.items()}
            try:
                for name in torch.submit(prepare, batch[:count]).result():
                    turns[name] = lambda name=name: torch.submit(timed_case, name).result()  # type: ignore[misc]
            except ImportError as error:
                reason = f"{error}; requirements-convert.txt has it"
            rounds = [{name: turn() for name, turn in turns.items()} for _ in range(repeat + 1)][1:]
            rows += [{"case": name, "images": count, **spread(one[name] for one in rounds)} for name in turns]
    return rows, reason


def at_once_rows(key: str, image: NDArray[np.float32], repeat: int) -> list[Row]:
    """Images per second of forward passes from several threads: medians of interleaved rounds."""
    graph = (WEIGHTS / f"{key}.onnx").read_bytes()
    backends = [OnnxBackend(graph) for _ in range(max(AT_ONCE))]

    def answered(threads: int, sessions: int) -> float:
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            list(pool.map(lambda turn: backends[turn % sessions].run(image), range(TURNS)))
            return time.perf_counter() - start

    cases = [(threads, sessions) for threads in AT_ONCE for sessions in sorted({1, threads})]
    rounds = [{case: answered(*case) for case in cases} for _ in range(max(1, repeat // 3) + 1)][1:]
    return [
        {
            "threads": threads,
            "sessions": sessions,
            "images_per_s": TURNS / spread(one[threads, sessions] for one in rounds)["median_s"],
        }
        for threads, sessions in cases
    ]


def ratios(rows: list[Row]) -> Row:
    """Ratios of warm medians for one image."""
    median = {row["case"]: row["median_s"] for row in rows if row["images"] == 1}
    ours = median["Grad-CAM"]
    found = {"Grad-CAM over the forward pass": ours / median["forward pass"]}
    return found | {f"{name} over ours": median[name] / ours for name in median if name.startswith("Grad-CAM (")}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="speed of predict and Grad-CAM against their peers")
    parser.add_argument("--model", choices=MODELS, default=DEFAULT_MODEL, help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=LEAST_REPEAT, help="rounds, default and least: %(default)s")
    arguments = arguments_of(parser, "explain")
    if arguments.repeat < LEAST_REPEAT:
        parser.error(f"--repeat needs at least {LEAST_REPEAT}. Received: {arguments.repeat}.")
    report: Row = {**machine(), "model": arguments.model, "repeat": arguments.repeat, "onnx_threads": threads_of_a_pass()}
    try:
        classifier = load(arguments.model)
    except CovidModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report |= {"weights_digest": classifier.weights_digest, "layer": classifier.card.explanation_layers[0]}
    if isinstance(classifier.forward, OnnxBackend):  # before TensorFlow has threads of its own
        batch = classifier.prepare(drawn_image(0)).batch
        report["at once"] = at_once_rows(arguments.model, batch, arguments.repeat)
    report["warm"], reason = warm_rows(classifier, arguments.repeat)
    if reason:
        report["skipped"] = {"torch-cam and pytorch-grad-cam": reason}
    report["ratios"] = ratios(report["warm"])
    return finish(report, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
