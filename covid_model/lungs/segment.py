"""Find the lungs on an image, and judge whether they were found."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import LOGITS
from covid_model.backends.engines import NetworkEngines, engines_of
from covid_model.backends.graphs import graph_path
from covid_model.backends.probabilities import sigmoid
from covid_model.errors import ModelError
from covid_model.files import file_sha256
from covid_model.images.preprocess import resized
from covid_model.settings import WEIGHTS

if TYPE_CHECKING:
    import keras

NETWORK: Final = WEIGHTS / "lungs-unet.keras"
CARD: Final = WEIGHTS / "lungs-unet.card.json"

FEATURES_AT: Final = "block4c"
"""Layer of the lung network, 16 x 16 cells, whose means and standard deviations are features of the input check."""
OUTPUTS: Final = (LOGITS, FEATURES_AT)
"""Outputs of a forward pass of the lung network."""

Quality = Literal["good", "doubtful", "failed"]

SMALLEST_LUNG: Final = 0.01
"""Pieces below this share of the image are dropped."""
AREA_RANGE: Final = (0.08, 0.70)
"""Both lungs together cover 15 to 55% of a usual frontal image; outside this range the outline is implausible."""
ONE_SIDED: Final = 0.25
"""Where the smaller lung has less than this share of the larger one's area, only one lung counts as found."""
SPUR: Final = 0.06
"""What is narrower than twice this share of a piece's size, the square root of its area, is a spur and cut off."""
CORNER: Final = 0.06
"""How far, as the same share, the outline may reach beyond what is wide enough: the sharp corners of a lung are its own."""
NOTCH: Final = 0.25
"""A disc of this share of a lung's size does not reach into a notch, which is filled; the dome of the diaphragm is wider."""
LEAST_SURE: Final = 0.80
"""Mean probability inside the mask below which the outline is doubtful."""


@dataclass(frozen=True, eq=False)
class LungMask:
    """The lungs of one image.

    mask: (H, W) bool at image size; empty (all False) where nothing was found.
    quality: "good", "doubtful" (use with care) or "failed" (do not use). reasons: a sentence for each doubt.
    area: share of the image covered. sureness: mean probability inside the mask, 0 where empty.
    """

    mask: NDArray[np.bool_]
    quality: Quality
    reasons: tuple[str, ...]
    area: float
    sureness: float


@dataclass(frozen=True, eq=False)
class LungOutputs:
    """The outputs of the lung network for one image.

    pixels: (H, W) float32 in [0, 1], the image. small: the same at the network's size, (h, w). logits: (h, w) float32.
    features: (rows, cols, k) float32, activations of FEATURES_AT.
    """

    pixels: NDArray[np.float32]
    small: NDArray[np.float32]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability of lung at the network's size, (h, w) float32 in [0, 1]."""
        return sigmoid(self.logits)

    @cached_property
    def lungs(self) -> LungMask:
        """The lungs at image size."""
        full = np.asarray(cv2.resize(self.logits, self.pixels.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        return _judged(full > 0, lambda mask: sigmoid(full[mask]))


@dataclass(eq=False)
class LungSegmenter:
    """The segmentation network; threads may share an instance, since its engines are thread-safe."""

    engines: NetworkEngines

    @classmethod
    def load(cls, weights: Path = NETWORK) -> "LungSegmenter":
        """The shipped network, without TensorFlow where its ONNX graph belongs to the weights.

        Raises ModelError when its weights are missing or unreadable.
        """

        def load_network() -> "keras.Model":
            import keras

            try:
                return keras.saving.load_model(weights, compile=False)
            except (OSError, ValueError) as error:
                raise ModelError(f"The lung network {weights.name} cannot be loaded: {error}") from error

        try:
            digest = file_sha256(weights)
        except OSError as error:
            raise ModelError(f"The lung network {weights.name} cannot be loaded: {error.strerror}.") from error
        return cls(engines_of(graph_path(weights.parent, weights.stem), digest, OUTPUTS, load_network))

    @property
    def network(self) -> "keras.Model":
        """The Keras network, loaded on first use."""
        return self.engines.gradients.network

    def run(self, pixels: NDArray[np.float32]) -> LungOutputs:
        """(H, W) image pixels in [0, 1] -> outputs of one forward pass."""
        height, width, channels = self.engines.forward.input_shape
        small = resized(pixels, (height, width))
        batch = np.repeat((small * 2 - 1)[None, ..., None], channels, axis=-1).astype(np.float32)
        found = self.engines.forward.run(batch, OUTPUTS)
        return LungOutputs(pixels, small, found[LOGITS][0, ..., 0], found[FEATURES_AT][0])

    def find(self, pixels: NDArray[np.float32]) -> LungMask:
        """The lungs on an image of (H, W) pixels in [0, 1]."""
        return self.run(pixels).lungs


def judged(probability: NDArray[np.float32]) -> LungMask:
    """Threshold at one half, keep the two largest pieces, fill holes and notches, cut off spurs, and judge the result."""
    return _judged(probability > 0.5, probability.__getitem__)


def _judged(likely: NDArray[np.bool_], probabilities: Callable[[NDArray[np.bool_]], NDArray[np.float32]]) -> LungMask:
    """As `judged`. likely: (H, W), above one half. probabilities: gives those under a mask; only some are ever needed."""
    pieces = _pieces(likely)
    mask = np.logical_or(pieces[0], pieces[-1]) if pieces else np.zeros(likely.shape, bool)
    area = float(mask.mean())
    sureness = float(probabilities(mask).mean()) if pieces else 0.0
    if area < AREA_RANGE[0]:
        reason = "No lungs were found on this image." if not pieces else "The lungs found are too small to be whole."
        return LungMask(mask, "failed", (reason,), area, sureness)
    reasons = []
    if area > AREA_RANGE[1]:
        reasons.append(f"The lungs found cover {area:.0%} of the image, which no chest X-ray shows.")
    if _one_sided(pieces):
        reasons.append("Only one lung was found.")
    if sureness < LEAST_SURE:
        reasons.append("The outline of the lungs is uncertain.")
    quality: Quality = "failed" if area > AREA_RANGE[1] else "doubtful" if reasons else "good"
    return LungMask(mask, quality, tuple(reasons), area, sureness)


def _pieces(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Up to two largest connected pieces of at least SMALLEST_LUNG, without holes, spurs and notches, largest first."""
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        if width * height < SMALLEST_LUNG * mask.size:
            continue
        canvas = np.zeros(mask.shape, np.uint8)
        cv2.drawContours(canvas, [outline], 0, 1, cv2.FILLED)
        box = slice(top, top + height), slice(left, left + width)
        size = cv2.countNonZero(canvas[box] & mask[box])
        if size >= SMALLEST_LUNG * mask.size:
            around = slice(max(top - 1, 0), top + height + 1), slice(max(left - 1, 0), left + width + 1)
            canvas[around] = _without_spurs(canvas[around], math.sqrt(size))
            found.append((size, canvas, box))
    found.sort(key=lambda piece: -piece[0])
    pieces = [canvas.view(bool) for _, canvas, _ in found[:2]]
    # The gap between two lungs that touch is no notch.
    if len(pieces) == 2 or (pieces and _one_sided(pieces)):
        for size, canvas, box in found[:2]:
            canvas[box] = _without_notches(canvas[box], math.sqrt(size))
    return pieces


def _without_spurs(piece: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """A piece (h, w), 1 inside, without what sticks out of it: an opening by a disc that leaves corners be.

    size: the square root of its area. At the edge of the image, where a lung may be cut off, nothing counts as outside.
    """
    wide = cv2.distanceTransform(piece, cv2.DIST_L2, cv2.DIST_MASK_5) > SPUR * size
    if not wide.any():
        return piece
    reach = cv2.distanceTransform((~wide).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return piece & (reach <= (SPUR + CORNER) * size)


def _without_notches(piece: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """A lung (h, w), 1 inside, with its notches filled: a closing by a disc. size: the square root of its area."""
    edge = math.ceil(NOTCH * size) + 1
    padded = cv2.copyMakeBorder(piece, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    near = cv2.distanceTransform(1 - padded, cv2.DIST_L2, cv2.DIST_MASK_5) <= NOTCH * size
    inside = cv2.distanceTransform(near.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) > NOTCH * size
    return piece | inside[edge:-edge, edge:-edge].view(np.uint8)


def _one_sided(pieces: list[NDArray[np.bool_]]) -> bool:
    """Is only one lung there? A single piece may also be both lungs touching: then it is wider than a lung is."""
    if len(pieces) == 2:
        return bool(pieces[1].sum() < ONE_SIDED * pieces[0].sum())
    rows, cols = np.flatnonzero(pieces[0].any(axis=1)), np.flatnonzero(pieces[0].any(axis=0))
    return bool(np.ptp(cols) < 0.75 * np.ptp(rows))
