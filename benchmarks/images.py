"""X-rays that no patient owns and no cache knows: the shipped synthetic ones, with noise of their own."""

from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from covid_model.data.synthetic_samples import shipped_samples


def noisy_samples(folder: Path, count: int, side: int | None = None) -> list[Path]:
    """Write `count` different PNG files, in turn of each sample; of (side, side) pixels, by default as large as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, sample in enumerate(islice(cycle(shipped_samples().values()), count)):
        grey = cv2.imread(str(sample.path), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        if side is not None:
            grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_CUBIC)
        noise = np.random.default_rng(number).normal(0, 2.5, grey.shape)
        files.append(folder / f"{number:03d}.png")
        cv2.imwrite(str(files[-1]), np.clip(np.round(grey + noise), 0, 255).astype(np.uint8))
    return files
