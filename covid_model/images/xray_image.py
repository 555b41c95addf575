"""The one shape every image takes after reading, whatever file it came from."""

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class XrayImage:
    """A single-frame radiograph, free of anything about a person.

    pixels: (H, W) float32 in [0, 1], read-only, bright = dense (bone white, air black), photometric already resolved.
    digest: sha256 hex of the file's bytes, the image's only name.
    source_kind: what the bytes were: "png", "jpeg", "webp", "bmp", "tiff", "dicom" or "array".
    view: projection where the file states it: "PA", "AP", "LATERAL" or None.
    spacing_mm: (row, column) pixel spacing in millimetres where the file states it.
    notes: sentences about how the pixels were obtained that a careful reader should know (e.g. a window was applied).
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
        """The same image with other pixels of the same shape, and so with another digest."""
        if pixels.shape != self.shape:
            raise ValueError(f"An altered image keeps its shape {self.shape}. Received: {pixels.shape}.")
        changed = np.ascontiguousarray(pixels, np.float32)
        changed.setflags(write=False)
        return replace(self, pixels=changed, digest=sha256(changed.tobytes()).hexdigest())
