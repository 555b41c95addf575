"""The command line cold and in bulk, beside what it could cost and what it did cost.

    python -m benchmarks.command_line [--images 60] [--repeat 5] [--out benchmarks/results/command_line.json]

Cold: `predict one.png` in a process of its own, beside Keras' loader and `predict` on the same weights. Bulk: `explain
FOLDER --method gradcam` beside a loop in one process, beside nothing but the networks' answers over the same inputs, and
beside the same command of revision BEFORE, when TensorFlow answered for everything.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.images import noisy_samples
from benchmarks.surroundings import ROOT, Row, arguments_of, finish, interpreter, machine

BEFORE: Final = "ca87bdce91108b74678b3f3e0628e30f60e95df5"
"""The last revision before ONNX Runtime, and before a batch read ahead. Its methods are the same; its default model sees
half as many pixels, 224 x 224."""
KERAS: Final = (
    "import sys, cv2, keras, numpy as np;"
    " network = keras.saving.load_model('covid_model/weights/lungs.keras', compile=False);"
    " grey = cv2.resize(cv2.imread(sys.argv[1], 0), network.input_shape[1:3]).astype('float32') / 127.5 - 1;"
    " print(network.predict(np.repeat(grey[None, ..., None], 3, axis=-1), verbose=0))"
)


def run(*words: str, at: Path = ROOT) -> tuple[Row, str]:
    """Run the README's Python with `words` in the folder `at`: seconds by the clock and of the processor, and its output.

    Raises SystemExit with its last words when it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([interpreter()[0], *words], cwd=at, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"error: {' '.join(words[:4])} failed: {done.stderr[-500:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "processor_s": used}, done.stdout


def cold(words: list[str], repeat: int, at: Path = ROOT) -> Row:
    """Medians of `repeat` runs after one that fills the disk's cache."""
    rows = [run(*words, at=at)[0] for _ in range(repeat + 1)][1:]
    return {name: statistics.median(row[name] for row in rows) for name in ("seconds", "processor_s")} | {"repeat": repeat}


def explained(folder: Path, out: Path, at: Path = ROOT, flags: Sequence[str] = (), repeat: int = 1) -> Row:
    """The bulk command over a folder, and images per second with its start and without.

    Without: from the difference to the same command on the first image alone. flags: before the folder. repeat: runs of
    each, of which the fastest counts.
    """
    words = ("-m", "covid_model", "explain", "--method", "gradcam", *flags)
    first, files = out.with_name(f"{out.name}-first"), sorted(folder.iterdir())
    first.mkdir()
    shutil.copy(files[0], first)

    def fastest(images: Path, name: str) -> Row:
        runs = [run(*words, str(images), "--out", str(out / f"{name}-{number}"), at=at)[0] for number in range(repeat)]
        return min(runs, key=lambda row: row["seconds"])

    one, whole = fastest(first, "one"), fastest(folder, "all")
    steady = (whole["seconds"] - one["seconds"]) / (len(files) - 1)
    return {
        **whole,
        "one_image_s": one["seconds"],
        "images_per_s": len(files) / whole["seconds"],
        "images_per_s_without_start": 1 / steady,
        "seconds_an_image": steady,
        "processor_s_an_image": (whole["processor_s"] - one["processor_s"]) / (len(files) - 1),
    }


def checkout_before(folder: Path) -> Path | None:
    """A copy of revision BEFORE in `folder`; None where the clone does not have it."""
    copy = folder / "before"
    copy.mkdir()
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode != 0:
        return None
    subprocess.run(["tar", "-x"], cwd=copy, input=archive.stdout, check=True)
    return copy


def before(images: Path, folder: Path, repeat: int) -> Row:
    """Both commands of revision BEFORE; a reason where the clone does not have it."""
    if (copy := checkout_before(folder)) is None:
        return {"revision": BEFORE, "skipped": "this clone does not have the revision"}
    file = str(sorted(images.iterdir())[0])
    return {
        "revision": BEFORE,
        "predict": cold(["-m", "covid_model", "predict", file], repeat, copy),
        "explain": explained(images, folder / "out-before", copy, repeat=repeat),
    }


def measure(count: int, repeat: int, folder: Path) -> Row:
    """All figures, over `count` images in `folder`."""
    images = folder / "images"
    file = str(noisy_samples(images, count)[0])
    report: Row = {
        "predict": cold(["-m", "covid_model", "predict", file], repeat),
        "predict (Keras)": cold(["-c", KERAS, file], max(1, repeat // 2)),
        "explain": explained(images, folder / "out", repeat=max(1, repeat // 2)),
    }
    loop = json.loads(run("-m", "benchmarks.one_by_one", str(images), str(folder / "loop"))[1].splitlines()[-1])
    report["one by one"] = {**loop, "images_per_s": count / loop["loop_s"]}
    report["bare networks"] = {"seconds_an_image": loop["networks_s"] / count, "images_per_s": count / loop["networks_s"]}
    report["before"] = before(images, folder, max(1, repeat // 2))
    report["ratios"] = {"time over bare networks": report["explain"]["seconds_an_image"] * count / loop["networks_s"]}
    if "explain" in report["before"]:
        old, new = report["before"]["explain"], report["explain"]
        report["ratios"]["images per second over before"] = new["images_per_s"] / old["images_per_s"]
        report["ratios"]["the same without start"] = new["images_per_s_without_start"] / old["images_per_s_without_start"]
    return report


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="the command line, cold and in bulk")
    parser.add_argument("--images", type=int, default=60, help="different images in the folder, default: %(default)s")
    parser.add_argument("--repeat", type=int, default=5, help="cold starts, default: %(default)s")
    arguments = arguments_of(parser, "command_line")
    if arguments.images < 2:
        parser.error(f"--images needs at least 2. Received: {arguments.images}.")
    found = machine()
    with TemporaryDirectory() as name:
        found |= {"images": arguments.images, **measure(arguments.images, arguments.repeat, Path(name))}
    return finish(found, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
