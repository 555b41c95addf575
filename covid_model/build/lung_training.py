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
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.evaluation.scores import dice
from covid_model.files import file_sha256, write_json
from covid_model.images.preprocess import Preprocessing, preprocess, resized, scaled
from covid_model.images.read import load_image
from covid_model.lungs.segment import CARD, NETWORK, LungSegmenter
from covid_model.models.efficientnet_lite0 import copy_weights
from covid_model.models.imagenet import imagenet_features
from covid_model.training.augment import LUNG_NETWORK, affine, reexposed, warp

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
        """For the card."""
        return {**asdict(self), "augmentation": asdict(LUNG_NETWORK), "loss": "binary cross-entropy + soft Dice"}


def masks_of(table: pd.DataFrame, masks: Path) -> pd.DataFrame:
    """The manifest rows that have a mask `<stem>_mask.png` in the folder `masks`, with its path in column `mask`.

    Only images of covid-chestxray-dataset, for which the masks were drawn: the Hannover originals of some of them bear the
    same names but are cut differently, and the masks do not fit.
    """
    names = {path.name.removesuffix("_mask.png"): path for path in sorted(masks.glob("*_mask.png"))}
    if not names:
        raise DataError(f"{masks} holds no <image>_mask.png; give annotations/v7-lung-masks of covid-chestxray-dataset.")
    stems = table["path"].map(lambda path: Path(path).stem)
    drawn_for = stems.isin(names) & (table["source"] == "covid-chestxray-dataset")
    found = table[drawn_for].copy()
    found["mask"] = stems[drawn_for].map(names)
    return found.sort_values("digest", ignore_index=True)


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask file as (H, W) bool of the image's shape."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise DataError(f"{path.name} is not a readable mask picture.")
    return cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


class MaskBatches(keras.utils.PyDataset):
    """Batches of (image (b, 256, 256, 3) in [-1, 1], mask (b, 256, 256, 1) in {0, 1}), augmented unless `plain`."""

    def __init__(self, table: pd.DataFrame, batch: int, seed: int, plain: bool = False) -> None:
        super().__init__(workers=1)
        images = [load_image(Path(path)) for path in table["path"]]
        self.images = [preprocess(image, UNIT).pixels[..., 0] for image in images]
        self.masks = [
            resized(read_mask(path, image.shape).astype(np.float32), SIZE)
            for path, image in zip(table["mask"], images, strict=True)
        ]
        self.batch, self.plain = batch, plain
        self.rng = np.random.default_rng(seed)
        self.order = np.arange(len(images))

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch)

    def on_epoch_end(self) -> None:
        """Shuffle between epochs."""
        if not self.plain:
            self.rng.shuffle(self.order)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        pairs = [self._pair(int(i)) for i in chosen]
        images = np.stack([scaled(image, INPUT) for image, _ in pairs])
        return images, np.stack([(mask > 0.5).astype(np.float32) for _, mask in pairs])[..., None]

    def _pair(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.plain:
            return self.images[i], self.masks[i]
        matrix = affine(LUNG_NETWORK, SIZE, self.rng)
        return reexposed(warp(self.images[i], matrix), LUNG_NETWORK, self.rng), warp(self.masks[i], matrix)


def overlap_loss(truth: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy plus soft Dice loss (Milletari 2016, eq. 3), per image."""
    probability = keras.ops.sigmoid(logits)
    axes = (1, 2, 3)
    shared = keras.ops.sum(truth * probability, axes)
    dice = 1 - 2 * shared / (keras.ops.sum(truth, axes) + keras.ops.sum(probability, axes) + 1.0)
    entropy = keras.ops.mean(keras.losses.binary_crossentropy(truth, logits, from_logits=True), axis=(1, 2))
    return entropy + dice


def train_lung_network(table: pd.DataFrame, masks: Path, folder: Path, settings: LungTraining) -> None:
    """Fit on the train split; the weights of the epoch with the lowest validation loss go to `folder`."""
    out = folder / NETWORK.name
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(settings.seed)
    found = masks_of(table, masks)
    train = MaskBatches(found[found["split"] == "train"], settings.batch, settings.seed)
    val = MaskBatches(found[found["split"] == "val"], settings.batch, settings.seed, plain=True)
    model = build_lung_network()
    copy_weights(imagenet_features(), model)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.name.startswith("decode"):
            layer.trainable = False
    steps = settings.epochs * len(train)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    model.compile(keras.optimizers.Adam(rate), overlap_loss)
    keep = keras.callbacks.ModelCheckpoint(str(out), monitor="val_loss", save_best_only=True, verbose=0)
    model.fit(train, validation_data=val, epochs=settings.epochs, callbacks=[keep], verbose=2)
    keras.saving.load_model(out, compile=False).save(out)


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
        "parameters": segmenter.backend.network.count_params(),
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
