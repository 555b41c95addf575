import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawing import dataset, encoded, png, ramp, saved

from covid_model.errors import ImageError
from covid_model.images.decode import decode
from covid_model.images.read import load_image, read_image
from covid_model.images.worker import POOL

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_worker_gives_what_the_decoder_gives() -> None:
    for data in (png(), saved(dataset(ViewPosition="AP", PixelSpacing=[0.2, 0.2]))):
        there, here = read_image(data), decode(data)
        np.testing.assert_array_equal(there.pixels, here.pixels)
        assert not there.pixels.flags.writeable
        for name in ("digest", "source_kind", "view", "spacing_mm", "notes"):
            assert getattr(there, name) == getattr(here, name)


def test_many_threads_share_the_pool() -> None:
    images = [png(np.roll(ramp(), shift, axis=1).astype(np.uint8)) for shift in range(24)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read_image, images))
    for data, image in zip(images, found, strict=True):
        np.testing.assert_array_equal(image.pixels, decode(data).pixels)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_worker_costs_nothing() -> None:
    read_image(png())
    for worker in POOL.workers:
        if worker.process_id:
            os.kill(worker.process_id, signal.SIGKILL)
    time.sleep(0.2)
    assert read_image(png()).shape == (80, 96)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
def test_a_file_that_takes_too_much_memory_is_one_sentence_and_the_next_one_works() -> None:
    large = encoded(np.zeros((5000, 5000, 4), np.uint8), "TIFF", compression="tiff_deflate")
    with pytest.raises(ImageError):
        read_image(large + b"\0" * (99 * 2**20 - len(large)))
    assert read_image(png()).shape == (80, 96)


def test_the_worker_imports_nothing_heavy() -> None:
    code = (
        "import sys, covid_model.images.worker, covid_model.images.decode;"
        "sys.exit(len({'tensorflow', 'keras', 'pandas', 'sklearn', 'streamlit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_workers_of_its_own() -> None:
    code = (
        "import os, sys; sys.path.insert(0, 'tests/images'); from drawing import png;"
        "from covid_model.images.read import read_image; read_image(png());\n"
        "if (child := os.fork()) == 0: read_image(png()); os._exit(7)\n"
        "read_image(png()); sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 7


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    start = time.perf_counter()
    for path, words in (
        (tmp_path / "pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("a\0b.png", "no file a"),
        (tmp_path / "empty", "without a file"),
        ("x" * 5000, "cannot be opened"),
    ):
        with pytest.raises(ImageError, match=words) as caught:
            load_image(path)
        assert str(caught.value).isprintable()
    assert time.perf_counter() - start < 1
