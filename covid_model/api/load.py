"""The first two calls of every notebook: read an image, load a model."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError, ImageError
from covid_model.images import read
from covid_model.images.pixels import checked
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import load
from covid_model.models.specs import DEFAULT_MODEL

if TYPE_CHECKING:
    pass


@lru_cache(maxsize=1)
def shared_segmenter() -> LungSegmenter:
    """The lung network, loaded once for all models."""
    return LungSegmenter.load()


def read_image(source: str | Path | bytes | NDArray[np.generic]) -> XrayImage:
    """An image from a path, the bytes of a file, or an array.

    source: PNG, JPEG, WebP, BMP, TIFF or DICOM as a path or as bytes; or a grey array (H, W), bright = dense, of an
    unsigned integer type (0 to its largest value) or floating in [0, 1].
    Raises ImageError, with one sentence, for anything that is not one chest X-ray.

    Example:
        >>> import numpy as np
        >>> read_image(np.tile(np.linspace(0, 1, 256, dtype=np.float32), (256, 1))).shape
        (256, 256)
    """
    if isinstance(source, bytes):
        return read.read_image(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    return read.load_image(source)


def _from_array(values: NDArray[np.generic]) -> XrayImage:
    if values.ndim != 2:
        raise ImageError(f"The array has the shape {values.shape}; a grey image (height, width) would work.")
    if np.issubdtype(values.dtype, np.unsignedinteger):
        largest = 2.0 ** (8 * values.dtype.itemsize) - 1
        pixels = (values.astype(np.float64) / largest).astype(np.float32)
    elif np.issubdtype(values.dtype, np.floating):
        pixels = values.astype(np.float32)
    else:
        raise ImageError(f"The array holds {values.dtype}; unsigned integers, or floating numbers in [0, 1], would work.")
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
        raise ImageError(f"The array's values run from {pixels.min():g} to {pixels.max():g}; [0, 1] would work.")
    return checked(XrayImage(pixels, sha256(np.ascontiguousarray(values).tobytes()).hexdigest(), "array"))


def sample_image(name: str) -> XrayImage:
    """One of the synthetic images that ship, by name. Raises DataError that names them.

    Example:
        >>> sample_image("normal-1").source_kind
        'png'
    """
    samples = shipped_samples()
    if name not in samples:
        raise DataError(f"There is no sample {name!r}; the samples are {', '.join(samples)}.")
    return read.load_image(samples[name].path)


def load_model(source: str = DEFAULT_MODEL) -> Model:
    """A model by its key.

    Raises ModelError, naming the known ones, for an unknown key, and for missing or foreign weights.

    Example:
        >>> load_model("lungs").layers[0]
        'top'
    """
    return Model(load(source, shared_segmenter()))
