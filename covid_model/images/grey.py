"""Whether an image with colour channels is grey: one test for every kind of file."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ImageError

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the grey value (ITU-R BT.601)."""
COLOURED: Final = 0.16
"""Difference of the largest and smallest channel, of 1, above which a pixel is coloured: beyond JPEG chroma noise."""
COLOURED_SHARE: Final = 0.05
"""Up to this share of coloured pixels is an arrow or a caption on a grey image."""
ONE_HUE: Final = 0.97
"""Length of the mean hue vector above which the image is a grey one in one tint."""


def luminance(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 3) red, green, blue in [0, 1] -> (...) float32 in [0, 1].

    >>> luminance(np.ones((2, 2, 3), np.float32)).shape
    (2, 2)
    """
    return np.clip(channels @ LUMA, 0, 1).astype(np.float32)


class Colours:
    """Counts the coloured pixels of an image that is converted in parts."""

    def __init__(self) -> None:
        self.total = self.coloured = 0.0
        self.hue = 0j

    def add(self, channels: NDArray[np.float32], counts: NDArray[np.int64] | None = None) -> None:
        """Count pixels (..., 3) in [0, 1]; `counts` (...) where each is the colour of several."""
        number = np.ones(channels.shape[:-1], np.float32) if counts is None else counts
        coloured = channels.max(axis=-1) - channels.min(axis=-1) > COLOURED
        red, green, blue = np.moveaxis(channels[coloured], -1, 0)
        plane = (red - (green + blue) / 2) + 1j * (np.sqrt(3) / 2) * (green - blue)
        self.total += float(number.sum(dtype=np.float64))
        self.coloured += float(number[coloured].sum(dtype=np.float64))
        self.hue += complex((plane / np.maximum(np.abs(plane), 1e-6) * number[coloured]).sum())

    def notes(self) -> tuple[str, ...]:
        """Sentences about colour that was dropped. Raises ImageError for a colour photograph."""
        share = self.coloured / self.total
        if share == 0:
            return ()
        if share <= COLOURED_SHARE:
            return (f"{share:.1%} of the image is coloured (a marker or caption?) and was read as grey.",)
        if abs(self.hue) > ONE_HUE * self.coloured:
            return ("The image is tinted and was read as grey.",)
        raise ImageError(f"This is a colour photograph ({share:.0%} of it is coloured); give a grey chest X-ray.")
