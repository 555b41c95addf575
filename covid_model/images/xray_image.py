"""The XrayImage, in which every reader returns its image."""

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class XrayImage:
    """A single-frame radiograph without any personal data.

    pixels: (H, W) float32 in [0, 1], read-only, bright = dense (bone white, air black).
    digest: sha256 hex of the file's bytes, the image's only name.
    source_kind: what it was read from: "png", "jpeg", "webp", "bmp", "tiff", "dicom" or "array".
    view: projection where the file states it: "PA", "AP", "FRONTAL" (one of these two), "LATERAL" or None.
    spacing_mm: (row, column) pixel spacing in millimetres where the file states it.
    notes: sentences about how the pixels were obtained, such as that a window was applied.

    >>> image = XrayImage(np.zeros((2, 3), np.float32), "0" * 64, "array")
    >>> image.shape
    (2, 3)
    """

    pixels: NDArray[np.float32]
    digest: str
    source_kind: str
    view: str | None = None
    spacing_mm: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def altered(self, pixels: NDArray[np.float32]) -> "XrayImage":
        """A copy with other pixels (H, W) and their digest. Raises ValueError for another shape."""
        if pixels.shape != self.shape:
            raise ValueError(f"An altered image keeps its shape {self.shape}. Received: {pixels.shape}.")
        changed = np.ascontiguousarray(pixels, np.float32)
        changed.setflags(write=False)
        return replace(self, pixels=changed, digest=sha256(changed.tobytes()).hexdigest())
