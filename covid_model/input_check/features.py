"""The features of the input check: those of the lung network, its lung probabilities, and the coarse image."""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.image_stats import template_likeness
from covid_model.images.preprocess import resized
from covid_model.lungs.segment import LungOutputs, judged

LUNG_GRID: Final = 8
PICTURE_GRID: Final = 12
SPECTRUM: Final = 512
COARSEST: Final = 60
"""Waves per side of the image above which a wave counts as fine; ribs and frames are coarser."""
TURNS: Final = (0, 1, 2, 3)
"""Quarter turns under which the image is compared with a drawn one."""


def measure(outputs: LungOutputs) -> NDArray[np.float32]:
    """The input check's features of one image, (n,) float32, from the lung network's forward pass over it."""
    features, probability = outputs.features, outputs.probability
    return np.concatenate(
        [
            features.mean(axis=(0, 1)),
            features.std(axis=(0, 1)),
            resized(probability, (LUNG_GRID, LUNG_GRID)).ravel(),
            _standard(resized(outputs.small, (PICTURE_GRID, PICTURE_GRID))).ravel(),
            _plain(outputs.small, probability),
            [moire(outputs.pixels), np.log(outputs.pixels.shape[0] / outputs.pixels.shape[1])],
        ]
    ).astype(np.float32)


def moire(pixels: NDArray[np.float32]) -> float:
    """Height of the strongest fine wave above the spectrum of (H, W) pixels at 512 x 512, in natural logarithms.

    Photographs of screens contain the beat of two pixel grids: single peaks where an X-ray's spectrum is smooth.
    """
    fine = resized(pixels, (SPECTRUM, SPECTRUM))
    taper, far = _moire_windows()
    spectrum = _magnitudes((fine - fine.mean()) * taper[:, None] * taper)
    logarithm = np.log(np.fft.fftshift(spectrum, axes=0) + np.float32(1e-3))
    above = logarithm - cv2.blur(logarithm, (15, 15))
    return float(above[far].max())


def _magnitudes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """|rfft2| of (n, n) float32, n even: (n, n / 2 + 1). OpenCV takes a third of NumPy's time.

    OpenCV packs the spectrum of real values into their own size: real and imaginary parts side by side, and below each
    other in the first and last column, which are their own mirror images.
    """
    packed, half = cv2.dft(values), len(values) // 2
    found = np.empty((len(values), half + 1), np.float32)
    found[:, 1:half] = cv2.magnitude(packed[:, 1:-1:2].copy(), packed[:, 2:-1:2].copy())
    ends = packed[:, [0, -1]]
    found[[0, half], ::half] = np.abs(ends[[0, -1]])
    found[1:half, ::half] = np.hypot(ends[1:-1:2], ends[2:-1:2])
    found[half + 1 :][:, ::half] = found[half - 1 : 0 : -1, ::half]
    return found


@cache
def _moire_windows() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A taper (SPECTRUM,) against edges, and which waves of the shifted spectrum are fine."""
    rows, cols = np.ogrid[-SPECTRUM // 2 : SPECTRUM // 2, 0 : SPECTRUM // 2 + 1]
    return np.hanning(SPECTRUM).astype(np.float32), np.hypot(rows, cols) > COARSEST


def _standard(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return (picture - picture.mean()) / max(float(picture.std()), 1e-3)


def _plain(small: NDArray[np.float32], probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Simple features of the input at network size and of the lungs found there."""
    lungs = judged(probability)
    edge = np.concatenate([probability[0], probability[-1], probability[:, 0], probability[:, -1]])
    left, right = np.split(probability, 2, axis=1)
    rows, cols = np.flatnonzero(lungs.mask.any(axis=1)), np.flatnonzero(lungs.mask.any(axis=0))
    span = [np.ptp(rows) / 256, np.ptp(cols) / 256] if len(rows) else [0.0, 0.0]
    fine = small - cv2.GaussianBlur(small, (0, 0), 1.5)
    return np.array(
        [
            *(template_likeness(np.ascontiguousarray(np.rot90(small, turn))) for turn in TURNS),
            template_likeness(small) - template_likeness(np.ascontiguousarray(small[:, ::-1])),
            lungs.area,
            lungs.sureness,
            edge.mean(),
            left.mean() - right.mean(),
            *span,
            small.mean(),
            small.std(),
            np.abs(fine).mean() * 20,
            (small < 0.02).mean(),
            (small > 0.98).mean(),
        ],
        np.float32,
    )
