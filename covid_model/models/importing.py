"""Import a user's model file without running any code in it.

Files are first loaded and run in a process of their own with limits; what comes out of it is a flat network of plain layers.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.backends.base import LOGITS
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ModelError
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.preprocess import Preprocessing, resized, scaled
from covid_model.models.calibration import Head, calibrated
from covid_model.models.card import Card
from covid_model.models.inspecting import Inspected
from covid_model.models.specs import NOT_COVID, REST
from covid_model.models.user_models import IMPORTED, save_user_model, user_model_key
from covid_model.sandbox import ChildError, Limits, run_once
from covid_model.settings import models_folder, require_own_host

if TYPE_CHECKING:
    import keras

TOLERANCE: Final = 1e-4
"""Largest difference between this program's probabilities and those of the file's own `predict`."""
BASE_MB: Final = 2000
MB_PER_MB: Final = 8
"""Memory of the process that loads a file, and how much more for each MB of the file: several copies of the weights."""
SECONDS: Final = 120.0
"""Processor time of that process; DenseNet121 takes about 20."""
ENVIRONMENT: Final = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
LIMITS: Final = (
    "Research software: never a diagnosis, never a reason to treat or not to treat.",
    "Imported: nothing is known here about its training; its probabilities are not calibrated.",
)


@dataclass(frozen=True, eq=False)
class FileModel:
    """A network read from a file. data: the file's bytes. network: flat, ending in logits. found: what is in it."""

    data: bytes
    network: "keras.Model"
    found: Inspected


def read_network(data: bytes) -> FileModel:
    """The network in an upload, whose content decides what it is, not its name. data: bytes of the file.

    Raises ModelError for other files, for networks with Lambda layers or classes of their own, whose code would have to be
    run, for shapes that no chest X-ray model has, and for files that need more than a model's memory or time.
    """
    import keras

    line, _, content = bytes(_in_child("inspected", data, data)).partition(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        flat = Path(folder) / "flat.keras"
        flat.write_bytes(content)
        network = keras.saving.load_model(flat, compile=False, safe_mode=True)
    cells = json.loads(line)
    return FileModel(data, network, Inspected(**{**cells, "size": tuple(cells["size"]), "layers": tuple(cells["layers"])}))


def _in_child(task: str, request: bytes, data: bytes) -> bytes:
    """The answer of `inspection_worker` to a request about the file `data`. Raises ModelError in every other case."""
    memory = BASE_MB + MB_PER_MB * len(data) // 2**20
    limits = Limits(memory, SECONDS, files=True)
    try:
        return run_once(f"covid_model.models.inspection_worker:{task}", request, limits, ENVIRONMENT)
    except ChildError as died:
        raise ModelError(
            {
                "memory": f"The model needs more than {memory / 1024:.0f} GB to be loaded and run, too much for its file's "
                "size; a smaller model would work.",
                "time": f"The model takes more than {SECONDS:.0f} seconds to be loaded and run; a smaller one would work.",
                "crash": "The file ends the process that loads it: it is damaged or needs too much memory; a model that "
                "Keras itself loads and runs would work.",
                "start": "The process that loads model files cannot be started; install the program again (see the README).",
            }[died.why]
        ) from died


def read_numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between, as typed. Raises ModelError for anything else.

    >>> read_numbers("0.485, 0.456, 0.406")
    (0.485, 0.456, 0.406)
    """
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise ModelError(
            f"{text!r} are not numbers; one, or three with commas between (0.485, 0.456, 0.406) would work."
        ) from None


def _compare(file_model: FileModel, spec: Preprocessing, head: Head, classes: tuple[str, ...]) -> None:
    """Raises ModelError where the network taken apart does not say what the file's own `predict` says of drawn images."""
    drawn = [draw_phantom(phantom) / 255 for phantom in PHANTOMS.values()]
    batch = np.stack([scaled(resized(pixels.astype(np.float32), spec.size), spec) for pixels in drawn])
    packed = BytesIO()
    np.save(packed, batch)
    line = json.dumps({"head": head, "length": len(packed.getvalue())}).encode()
    answer = _in_child("predicted", b"\n".join([line, packed.getvalue()]) + file_model.data, file_model.data)
    own: NDArray[np.float64] = np.load(BytesIO(answer), allow_pickle=False)
    here = calibrated(TensorFlowBackend(file_model.network).run(batch)[LOGITS], 1.0, head)
    if not (np.isfinite(own).all() and np.isfinite(here).all()):
        raise ModelError("The model gives values that are not numbers for a drawn X-ray; another scaling or file may work.")
    image, worst = np.unravel_index(np.abs(here - own).argmax(), own.shape)
    if abs(here[image, worst] - own[image, worst]) > TOLERANCE:
        raise ModelError(
            f"The file's own predict gives {classes[worst]} {own[image, worst]:.4f} for a drawn X-ray where this program "
            f"gives {here[image, worst]:.4f}; a model of plain Keras layers that do the same at every call would work."
        )


def describe_model(
    file_model: FileModel,
    *,
    title: str,
    classes: tuple[str, ...],
    preprocessing: Mapping[str, Any],
    multilabel: bool = False,
) -> Card:
    """The card of a network read from a file, compared with the file's own `predict`; nothing is written.

    classes: names in the order of the outputs; of one unit (negative, positive). preprocessing: settings of `Preprocessing`
    other than size and channels. multilabel: has each class a probability of its own? Asked only where the file has no last
    activation that says so. Raises ModelError for an unusable title, for names that do not fit the outputs, for impossible
    preprocessing, and where the file's own `predict` gives something else than this program.
    """
    found, key = file_model.found, user_model_key(title)
    wanted = max(2, found.units)
    if len(set(classes)) != wanted or len(classes) != wanted or not all(classes):
        raise ModelError(f"The model tells {wanted} classes apart; received the names {', '.join(classes) or 'none'}.")
    try:
        spec = Preprocessing(found.size, found.channels, **preprocessing)
    except (TypeError, ValueError) as error:
        raise ModelError(str(error)) from error
    if multilabel and found.says_head and found.head == "multiclass":
        raise ModelError("The model ends in a softmax or in a single unit, so that its classes exclude one another.")
    head: Head = "multilabel" if multilabel else found.head
    _compare(file_model, spec, head, classes)
    return Card(
        key=key,
        title=title,
        summary="Imported from a file.",
        architecture=IMPORTED,
        classes=classes,
        preprocessing=spec,
        explanation_layers=found.layers,
        merges=REST if NOT_COVID in classes else {},
        temperature=1.0,
        thresholds={},
        training={},
        weights_sha256=sha256(file_model.data).hexdigest(),
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
        limits=LIMITS,
        head=head,
    )


def add_model(file_model: FileModel, *, folder: Path | None = None, **description: Any) -> Card:
    """Register the network with a small card: every page and command offers it afterwards. Returns the card.

    description: as for `describe_model`, which raises what it raises. Raises ModelError where nothing can be written,
    HostError on a public copy.
    """
    require_own_host("Importing a model")
    return save_user_model(file_model.network, describe_model(file_model, **description), folder)


def remove_model(key: str) -> None:
    """Forget a user's own model and what was measured about it. Raises HostError on a public copy."""
    require_own_host("Removing a model")
    for path in models_folder().glob(f"{key}.*"):
        path.unlink(missing_ok=True)
