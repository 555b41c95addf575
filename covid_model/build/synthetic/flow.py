"""Learn a flow from noise to images, and follow it (rectified flow: Liu 2022; Lipman 2023, eq. 23 with sigma_min 0).

Between noise n and image x runs the straight line x_t = (1 - t) n + t x. Its velocity x - n is learnt by plain regression,
so Keras' own `fit` trains it. Two stages: a draft of 64 x 64, then the same at 256 x 256 given the draft. The second learns
what is missing from the draft, from which the velocity follows as (x - x_t) / (1 - t): noise need not pass through it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from covid_model.build.synthetic.network import FlowShape, build_flow_network
from covid_model.build.synthetic.training_images import KINDS, SIDE
from covid_model.images.preprocess import resized
from covid_model.training.augment import Augmentation, affine, reexposed, warp

DRAFT_SIDE: Final = 64
PRECISION: Final = "mixed_bfloat16"
"""Half again as quick as float32 on processors that know it, and as good here."""
ANY: Final = len(KINDS)
"""The kind that stands for "any"; shown for a tenth of the images, for guidance (Ho & Salimans 2022)."""

MOVED: Final = Augmentation(rotate=3, zoom=(1.0, 1.1), shift=0.02, gamma=(0.9, 1.1))
"""Small, since what is learnt here is drawn: a turned image would be drawn turned."""


@dataclass(frozen=True)
class Stage:
    """One network of the generator. side: of what it draws. crop: of what it is trained on. epochs: of its training.
    draft_noise: largest noise on the draft it is given, so that it forgives a drawn one.
    """

    name: str
    side: int
    crop: int
    shape: FlowShape
    epochs: int
    draft_noise: float = 0.0


STAGES: Final = {
    stage.name: stage
    for stage in (
        Stage("draft", DRAFT_SIDE, DRAFT_SIDE, FlowShape(2, (64, 128, 256), kinds=len(KINDS)), epochs=18),
        Stage("enlarge", SIDE, SIDE // 2, FlowShape(4, (64, 128), conditions=1, attention=False), epochs=8, draft_noise=0.1),
    )
}


BATCHES: Final = 200


@dataclass(frozen=True)
class FlowTraining:
    """Settings of a training; an epoch is BATCHES batches, after each of which it can be resumed."""

    batch: int = 32
    learning_rate: float = 4e-4
    seed: int = 0


class FlowBatches(keras.utils.PyDataset):
    """Batches of ((picture, time, kind), target) for one stage; pixels in [-1, 1]."""

    def __init__(self, images: NDArray[np.uint8], kinds: NDArray[np.int32], stage: Stage, settings: FlowTraining) -> None:
        super().__init__(workers=1)
        self.images, self.kinds, self.stage, self.settings = images, kinds, stage, settings
        self.rng = np.random.default_rng(settings.seed)

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, _: int) -> tuple[tuple[NDArray[Any], ...], NDArray[np.float32]]:
        batch, rng = self.settings.batch, self.rng
        chosen = rng.integers(0, len(self.images), batch)
        pairs = [self._image_and_draft(self.images[i]) for i in chosen]
        image = np.stack([image for image, _ in pairs])[..., None]
        noise = rng.standard_normal(image.shape, np.float32)
        # more of the middle, where the task is hardest (Esser 2024, eq. 19)
        time = (1 / (1 + np.exp(-rng.standard_normal(batch)))).astype(np.float32)
        part = time[:, None, None, None]
        picture, target = (1 - part) * noise + part * image, image - noise
        if self.stage.shape.conditions:
            draft = np.stack([draft for _, draft in pairs])[..., None]
            picture, target = np.concatenate([picture, draft], axis=-1), image - draft
        kinds = np.where(rng.random(batch) < 0.1, ANY, self.kinds[chosen]).astype(np.int32)
        return (picture, time, kinds), np.asarray(target, np.float32)

    def _image_and_draft(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One augmented image at the stage's crop and its draft at the same size, both in [-1, 1]."""
        rng, crop = self.rng, self.stage.crop
        moved = reexposed(warp(pixels.astype(np.float32) / np.float32(255), affine(MOVED, pixels.shape, rng)), MOVED, rng)
        draft = resized(moved, (DRAFT_SIDE, DRAFT_SIDE))
        image = moved if self.stage.side == SIDE else draft
        draft = draft * 2 - 1 + rng.uniform(0, self.stage.draft_noise) * rng.standard_normal(draft.shape, np.float32)
        top, left = rng.integers(0, self.stage.side - crop + 1, 2)
        window = (slice(top, top + crop), slice(left, left + crop))
        return (image * 2 - 1)[window], enlarged(draft, self.stage.side)[window]


def enlarged(draft: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A draft (h, w) at (side, side)."""
    return np.asarray(cv2.resize(draft, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def train_stage(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int32],
    stage: Stage,
    folder: Path,
    *,
    epochs: int | None = None,
    settings: FlowTraining = FlowTraining(),
) -> None:
    """Fit one stage; averaged weights go to `<stage>.weights.h5` in `folder` after every epoch, losses to `<stage>.csv`.

    epochs: by default as many as the stage wants. Resumes where an earlier call with the same folder ended.
    """
    epochs = epochs or stage.epochs
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(settings.seed)
    batches = FlowBatches(images, kinds, stage, settings)
    network = build_flow_network(stage.shape, PRECISION)
    steps = epochs * len(batches)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=settings.learning_rate, warmup_steps=steps // 20)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01, use_ema=True, ema_momentum=0.998)
    network.compile(optimizer, "mse")
    optimizer.build(network.trainable_variables)
    callbacks = [
        keras.callbacks.CSVLogger(str(folder / f"{stage.name}.csv"), append=True),
        # before the average is swapped in: a resumed training goes on from the weights themselves
        keras.callbacks.BackupAndRestore(str(folder / f"{stage.name}.backup"), delete_checkpoint=False),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.ModelCheckpoint(str(folder / f"{stage.name}.weights.h5"), save_weights_only=True),
    ]
    network.fit(batches, epochs=epochs, callbacks=callbacks, verbose=2)
