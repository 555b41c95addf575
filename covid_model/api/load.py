"""Read an image and load a model: the first two calls of every notebook."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError, ImageError, ModelError
from covid_model.images import read
from covid_model.images.pixels import checked
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import Classifier, load
from covid_model.models.importing import describe_model, read_network
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.models.user_models import known_models

if TYPE_CHECKING:
    import keras


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
    """A synthetic image that ships, by name. Raises DataError, naming the known ones, for an unknown name.

    Example:
        >>> sample_image("normal-1").source_kind
        'png'
    """
    samples = shipped_samples()
    if name not in samples:
        raise DataError(f"There is no sample {name!r}; the samples are {', '.join(samples)}.")
    return read.load_image(samples[name].path)


def load_model(
    source: "str | Path | keras.Model" = DEFAULT_MODEL,
    *,
    classes: Sequence[str] = (),
    preprocessing: Mapping[str, Any] | None = None,
    multilabel: bool = False,
    title: str = "",
) -> Model:
    """A model by its key, from a Keras file, or from a Keras model in memory.

    source: a key of MODELS or of a registered model; the path of a `.keras` or `.h5` file; or a `keras.Model`. The other
    arguments are for the last two, which do not know them. classes: names in the order of the outputs; of one unit
    (negative, positive). preprocessing: settings of `images.preprocess.Preprocessing`, as {"scaling": "unit"}. multilabel:
    has each class a probability of its own? title: by default the file's name.

    A file is loaded in a limited process first, and its own `predict` is compared with this program's. Raises ModelError,
    naming what would work, for an unknown key, for missing or foreign weights, and for files that cannot be used.

    Example:
        >>> load_model("lungs").layers[0]
        'top'
    """
    segmenter = shared_segmenter()
    if isinstance(source, str) and source in known_models():
        return Model(load(source, segmenter))
    if isinstance(source, str | Path):
        if not Path(source).is_file():
            raise ModelError(f"There is no model and no file {str(source)!r}; the models are {', '.join(known_models())}.")
        data, title = Path(source).read_bytes(), title or Path(source).stem
    else:
        data, title = _saved(source), title or source.name
    if not classes or preprocessing is None:
        raise ModelError('A model of your own needs classes=("Normal", ...) and preprocessing={"scaling": ...}.')
    file_model = read_network(data)
    card = describe_model(
        file_model, title=title, classes=tuple(classes), preprocessing=preprocessing, multilabel=multilabel
    )
    return Model(Classifier(card.key, card, TensorFlowBackend(file_model.network), card.weights_sha256, segmenter))


def _saved(model: "keras.Model") -> bytes:
    """A Keras model as the bytes of a `.keras` file."""
    if not callable(getattr(model, "save", None)):
        raise ModelError(f"Received {type(model).__name__}; a key, a path or a keras.Model would work.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()
