"""Train the lung network on the v7 lung masks: each lung drawn through the heart, down to the diaphragm."""

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.build.lung_network import SIZE, build_lung_network
from covid_model.data.manifest import data_hash
from covid_model.data.sources import lung_mask_folders, sources_with
from covid_model.errors import DataError, RunError
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.evaluation.scores import dice
from covid_model.files import file_sha256, write_json
from covid_model.images.preprocess import Preprocessing, preprocess, resized, scaled
from covid_model.images.read import load_image
from covid_model.lungs.segment import CARD, NETWORK, LungSegmenter
from covid_model.models.efficientnet_lite0 import copy_weights
from covid_model.models.imagenet import imagenet_lite0
from covid_model.training.augment import LUNG_NETWORK, affine, reexposed, warp
from covid_model.training.batches import Batch, Batches
from covid_model.training.checkpoint import BEST, read_state
from covid_model.training.run_folder import RunFolder
from covid_model.training.schedule import cosine_rate
from covid_model.training.task import Phase, Task
from covid_model.training.trainer import open_run

MASK_DEFINITION: Final = "v7-lung-masks: each lung drawn through the heart and down to the diaphragm"
UNIT: Final = Preprocessing(size=SIZE, channels=1, scaling="unit")
INPUT: Final = Preprocessing(size=SIZE, channels=3, scaling="signed")


@dataclass(frozen=True)
class LungTraining:
    """Settings of one training; `seed` drives augmentation and initial weights."""

    epochs: int = 64
    batch: int = 8
    learning_rate: float = 1e-3
    seed: int = 0

    def as_dict(self) -> dict[str, object]:
        """The settings as JSON values, for the card."""
        return {**asdict(self), "augmentation": asdict(LUNG_NETWORK), "loss": "binary cross-entropy + soft Dice"}


def masks_of(table: pd.DataFrame, masks: Path) -> pd.DataFrame:
    """The manifest rows that have a mask `<stem>_mask.png` in the folder `masks`, with its path in column `mask`.

    Only images of the sources for which masks were drawn (`Source.lung_masks`): files of the same name in other sources are
    cropped differently, so that the masks do not fit.
    """
    names = {path.name.removesuffix("_mask.png"): path for path in sorted(masks.glob("*_mask.png"))}
    if not names:
        raise DataError(f"{masks} holds no <image>_mask.png; give {lung_mask_folders()}.")
    stems = table["path"].map(lambda path: Path(path).stem)
    drawn_for = stems.isin(names) & table["source"].isin(sources_with(lambda source: source.lung_masks))
    found = table[drawn_for].copy()
    found["mask"] = stems[drawn_for].map(names)
    return found.sort_values("digest", ignore_index=True)


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask file as (H, W) bool of the image's shape."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise DataError(f"{path.name} is not a readable mask picture.")
    return cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


@dataclass(frozen=True, eq=False)
class MaskedImages:
    """Images (n, 256, 256) in [0, 1] and their masks (n, 256, 256), 1 inside the lungs; both float32."""

    images: NDArray[np.float32]
    masks: NDArray[np.float32]

    @classmethod
    def read(cls, found: pd.DataFrame) -> "MaskedImages":
        """The images and masks of the rows of `masks_of`."""
        images, masks = [], []
        for path, mask in zip(found["path"], found["mask"], strict=True):
            image = load_image(Path(path))
            images.append(preprocess(image, UNIT).pixels[..., 0])
            masks.append(resized(read_mask(mask, image.shape).astype(np.float32), SIZE))
        return cls(np.stack(images), np.stack(masks))

    def pairs(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Input (n, 256, 256, 3) in [-1, 1] and target (n, 256, 256, 1) in {0, 1} of the network."""
        images = np.stack([scaled(image, INPUT) for image in self.images])
        return images, (self.masks > 0.5).astype(np.float32)[..., None]


class MaskBatches(Batches):
    """Augmented batches of (image (b, 256, 256, 3) in [-1, 1], mask (b, 256, 256, 1) in {0, 1}, weights)."""

    def __init__(self, masked: MaskedImages, batch: int, seed: int) -> None:
        self.masked, self.seed = masked, seed
        self.batch = min(batch, len(masked.images))
        self.steps = math.ceil(len(masked.images) / self.batch)

    def at(self, epoch: int, step: int) -> Batch:
        """As `Batches.at`; the last batch of an epoch may be smaller."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.masked.images))
        chosen = order[step * self.batch : (step + 1) * self.batch]
        rng = np.random.default_rng((self.seed, epoch, step, 1))
        images, masks = [], []
        for i in chosen:
            matrix = affine(LUNG_NETWORK, SIZE, rng)
            images.append(reexposed(warp(self.masked.images[i], matrix), LUNG_NETWORK, rng))
            masks.append(warp(self.masked.masks[i], matrix))
        image, mask = MaskedImages(np.stack(images), np.stack(masks)).pairs()
        return image, mask, np.full(len(chosen), 1 / len(chosen), np.float32)


def overlap_loss(truth: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy plus soft Dice loss (Milletari 2016, eq. 3), per image."""
    probability = keras.ops.sigmoid(logits)
    axes = (1, 2, 3)
    shared = keras.ops.sum(truth * probability, axes)
    dice = 1 - 2 * shared / (keras.ops.sum(truth, axes) + keras.ops.sum(probability, axes) + 1.0)
    entropy = keras.ops.mean(keras.losses.binary_crossentropy(truth, logits, from_logits=True), axis=(1, 2))
    return entropy + dice


class LungTask(Task):
    """Training the lung network; found: the rows of `masks_of`."""

    name = "lung-network"

    def __init__(self, found: pd.DataFrame, settings: LungTraining) -> None:
        self.found, self.settings = found, settings
        keras.utils.set_random_seed(settings.seed)
        self.network, self.averaged = build_lung_network(), build_lung_network()
        copy_weights(imagenet_lite0(), self.network)
        self.averaged.set_weights(self.network.get_weights())
        phase = Phase(
            settings.epochs,
            lambda layer, _: not isinstance(layer, keras.layers.BatchNormalization) or layer.name.startswith("decode"),
            lambda: keras.optimizers.Adam(settings.learning_rate),
            lambda step, total, steps: cosine_rate(settings.learning_rate, step, total, 0),
        )
        self.phases = (phase,)

    def prepare(self) -> MaskBatches:
        """As `Task.prepare`."""
        train, val = (MaskedImages.read(self.found[self.found["split"] == split]) for split in ("train", "val"))
        self.validation = val.pairs()
        return MaskBatches(train, self.settings.batch, self.settings.seed)

    def loss(self, output: Any, target: Any) -> Any:
        """As `overlap_loss`."""
        return overlap_loss(target, output)

    def validate(self) -> dict[str, Any]:
        """The mean loss of the validation images."""
        images, masks = self.validation
        logits = self.averaged.predict(images, batch_size=self.settings.batch, verbose=0)
        return {"val_loss": float(np.mean(overlap_loss(masks, logits)))}


def train_lung_network(table: pd.DataFrame, masks: Path, run: RunFolder, folder: Path, settings: LungTraining) -> str:
    """Train on the train split as the run `run`, or resume it; returns its final state.

    A finished run writes the weights of the epoch with the lowest validation loss to `folder`. Raises DataError without
    masks, RunError where a split has none.
    """
    found = masks_of(table, masks)
    for split in ("train", "val"):
        if not (found["split"] == split).any():
            raise RunError(f"No image of the {split} split has a mask in {masks}; build the manifest with another split.")
    config = {"model": LungTask.name, **settings.as_dict(), "data_hash": data_hash(found), "images": len(found)}
    trainer = open_run(run, LungTask(found, settings), config)
    state = trainer.train()
    if state == "finished":
        network = build_lung_network()
        network.set_weights(read_state(run.checkpoints / BEST)[0]["averaged"])
        folder.mkdir(parents=True, exist_ok=True)
        network.save(folder / NETWORK.name)
    return state


def score_lung_network(segmenter: LungSegmenter, found: pd.DataFrame) -> dict[str, Any]:
    """Dice at image size on the rows `found` (with column `mask`), as intervals by patient: all images, and by view."""
    overlaps = []
    for path, mask in zip(found["path"], found["mask"], strict=True):
        image = load_image(Path(path))
        overlaps.append(dice(read_mask(mask, image.shape), segmenter.find(image.pixels).mask))
    values, patients = np.array(overlaps), found["patient"].to_numpy(str)
    views = {"all": np.ones(len(found), bool)} | {v: (found["view"] == v).to_numpy() for v in sorted(set(found["view"]))}
    return {view: asdict(mean_interval(patients[chosen], values[chosen])) for view, chosen in views.items()}


def score_and_write_card(table: pd.DataFrame, masks: Path, folder: Path, settings: LungTraining) -> dict[str, Any]:
    """Score the trained weights in `folder` on the test split and write their card beside them; returns the card."""
    weights = folder / NETWORK.name
    segmenter = LungSegmenter.load(weights)
    found = masks_of(table, masks)
    card = {
        "title": "Lung segmentation",
        "summary": "U-Net on the first half of EfficientNet-Lite0: outlines both lungs on frontal chest X-rays.",
        "mask_definition": MASK_DEFINITION,
        "parameters": segmenter.network.count_params(),
        "training": {
            "settings": settings.as_dict(),
            "data_hash": data_hash(table),
            "images": {str(name): int(count) for name, count in found["split"].value_counts().items()},
        },
        "scores": {"dice": score_lung_network(segmenter, found[found["split"] == "test"])},
        "weights_sha256": file_sha256(weights),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "limits": ["Trained on adult COVID-19 images only; unmeasured on children and on lateral images."],
    }
    write_json(folder / CARD.name, card)
    return card
