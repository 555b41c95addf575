"""Augmentation: changes of position and exposure as between two images of one patient, or two hospitals."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

Floats = NDArray[np.float64]
LETTERS: Final = "ABDEILMNOPRSTUX0123456789"
"""Burned in by the augmentation of acquisition: sides, projections, days."""


@dataclass(frozen=True)
class Augmentation:
    """Ranges of uniformly distributed changes, drawn once an image and epoch; the defaults change nothing.

    rotate, shear: degrees either way. zoom: (smallest, largest) magnification. shift: share of the side either way.
    flip: mirror left and right at random; off for classifiers, since the heart is on the left.
    gamma: (smallest, largest) exponent on [0, 1]. contrast: relative, brightness: absolute change either way.
    blur: largest Gaussian sigma in pixels. noise: largest Gaussian standard deviation.
    tones: how far a random tone curve may bend, as share of the range either way. coarse: smallest share of its resolution
    that an image keeps. quality: lowest of JPEG. text: share of images with letters burned in, whatever their label.
    """

    rotate: float = 0.0
    shear: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    flip: bool = False
    gamma: tuple[float, float] = (1.0, 1.0)
    contrast: float = 0.0
    brightness: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    tones: float = 0.0
    coarse: float = 1.0
    quality: int = 100
    text: float = 0.0


LUNG_NETWORK = Augmentation(
    rotate=15, zoom=(0.7, 1.25), shift=0.12, flip=True, gamma=(0.6, 1.6), contrast=0.25, brightness=0.15, noise=0.03
)
CLASSIFIER = Augmentation(
    rotate=10, zoom=(0.85, 1.15), shift=0.06, gamma=(0.6, 1.6), contrast=0.2, brightness=0.1, blur=2.0, noise=0.03
)

ACQUISITION: Final = replace(CLASSIFIER, zoom=(0.75, 1.25), tones=0.12, coarse=0.4, quality=30, text=0.3)

AUGMENTATIONS: Final[dict[str, Augmentation]] = {
    "light": CLASSIFIER,
    # what another hospital, archive or publisher does to an image
    "acquisition": ACQUISITION,
    "none": Augmentation(),
    # Keras' ImageDataGenerator takes shear_range in degrees, so 0.2 is a fifth of one degree
    "shear and zoom": Augmentation(shear=0.2, zoom=(0.8, 1.2)),
    "shear, zoom and flip": Augmentation(shear=0.2, zoom=(0.8, 1.2), flip=True),
}
"""By name, for the settings of a run."""


def without_exposure(augmentation: Augmentation) -> Augmentation:
    """Its changes of position alone."""
    return Augmentation(
        rotate=augmentation.rotate,
        shear=augmentation.shear,
        zoom=augmentation.zoom,
        shift=augmentation.shift,
        flip=augmentation.flip,
    )


def affine(augmentation: Augmentation, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """A random (2, 3) matrix for cv2.warpAffine about the centre of a picture of `shape`."""
    height, width = shape
    angle = rng.uniform(-augmentation.rotate, augmentation.rotate)
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), angle, rng.uniform(*augmentation.zoom))
    matrix = np.asarray(turned, np.float64)
    if augmentation.shear:
        slant = np.tan(np.radians(rng.uniform(-augmentation.shear, augmentation.shear)))
        matrix = matrix @ np.array([[1.0, slant, -slant * height / 2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    matrix[:, 2] += rng.uniform(-augmentation.shift, augmentation.shift, 2) * (width, height)
    if augmentation.flip and rng.random() < 0.5:
        mirror = np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        matrix = matrix @ mirror
    return matrix


def warp(picture: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """The (H, W) picture transformed by `matrix`, same shape, 0 outside the original."""
    return cv2.warpAffine(picture, matrix, picture.shape[::-1], flags=cv2.INTER_LINEAR).astype(np.float32)


def reexposed(pixels: NDArray[np.float32], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Pixels (H, W) in [0, 1] with gamma, contrast, brightness, blur and noise changed at random; clipped to [0, 1]."""
    low, high = np.log(augmentation.gamma)
    changed = np.asarray(pixels, np.float64) ** np.exp(rng.uniform(low, high))
    gain = 1 + rng.uniform(-augmentation.contrast, augmentation.contrast)
    changed = (changed - 0.5) * gain + 0.5 + rng.uniform(-augmentation.brightness, augmentation.brightness)
    if augmentation.tones:
        changed = _bent(changed, augmentation.tones, rng)
    if augmentation.text and rng.random() < augmentation.text:
        changed = _lettered(changed, rng)
    if augmentation.coarse < 1 and rng.random() < 0.5:
        changed = _coarsened(changed, rng.uniform(augmentation.coarse, 1))
    if augmentation.blur and rng.random() < 0.5:
        changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), rng.uniform(0.1, augmentation.blur)), np.float64)
    if augmentation.noise:
        changed = changed + rng.normal(0, rng.uniform(0, augmentation.noise), changed.shape)
    if augmentation.quality < 100 and rng.random() < 0.5:
        changed = _compressed(changed, int(rng.integers(augmentation.quality, 100)))
    return np.clip(changed, 0.0, 1.0).astype(np.float32)


def mixed_spectrum(pixels: NDArray[np.float32], other: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Pixels (H, W) in [0, 1] with `share` of the amplitudes of their spectrum from `other` of the same shape; phases stay.

    Amplitudes hold contrast, sharpness and noise of a device, phases hold what is where (Xu 2021, arXiv 2105.11120, eq. 5).

    >>> still = np.full((4, 4), 0.25, np.float32)
    >>> float(mixed_spectrum(still, np.full((4, 4), 0.75, np.float32), 0.5).mean())
    0.5
    """
    mine, others = rfft2(pixels), rfft2(other)
    size = np.abs(mine)
    changed = mine * ((1 - share) + share * np.abs(others) / np.maximum(size, 1e-6))
    return np.clip(irfft2(changed, s=pixels.shape), 0.0, 1.0).astype(np.float32)


def _bent(pixels: Floats, most: float, rng: np.random.Generator) -> Floats:
    """The tones along a random curve through four knots, ends kept; sorted, so that darker stays darker."""
    knots = np.linspace(0, 1, 6)
    bent = np.sort(np.clip(knots + np.r_[0, rng.uniform(-most, most, 4), 0], 0, 1))
    return np.interp(pixels, knots, bent)


def _lettered(pixels: Floats, rng: np.random.Generator) -> Floats:
    """One to four random letters or digits, bright or dark, somewhere on the image."""
    height, width = pixels.shape
    letters = "".join(rng.choice(list(LETTERS), rng.integers(1, 5)))
    place = int(rng.uniform(0, 0.9) * width), int(rng.uniform(0.08, 1) * height)
    size, tone = rng.uniform(0.4, 1.2) * height / 288, float(rng.random() < 0.8)
    stencil = np.zeros(pixels.shape, np.uint8)
    cv2.putText(stencil, letters, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2, cv2.LINE_AA)
    return pixels + (tone - pixels) * stencil / 255


def _coarsened(pixels: Floats, share: float) -> Floats:
    """The image at `share` of its resolution, at its size."""
    small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, pixels.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float64)


def _compressed(pixels: Floats, quality: int) -> Floats:
    """The image as JPEG of this quality gives it back."""
    grey = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    _, code = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.float64) / 255
