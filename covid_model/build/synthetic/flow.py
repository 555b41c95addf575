"""Learn a flow from noise to images, and follow it (rectified flow: Liu 2022; Lipman 2023, eq. 23 with sigma_min 0).

Noise n and image x are connected by the line x_t = (1 - t) n + t x, whose velocity x - n is learnt by regression. There are
two stages: a draft of 64 x 64, then the same image at 256 x 256 given the draft. The second learns the difference of image
and draft, from which the velocity follows as (x - x_t) / (1 - t), so that it need not predict noise.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from covid_model.build.synthetic.network import build_flow_network
from covid_model.build.synthetic.stages import DRAFT_SIDE, KINDS, SIDE, FlowStage
from covid_model.images.preprocess import resized
from covid_model.training.augment import Augmentation, affine, reexposed, warp
from covid_model.training.batches import Batch, Batches
from covid_model.training.run_folder import RunFolder
from covid_model.training.schedule import cosine_rate
from covid_model.training.task import Phase, Task
from covid_model.training.trainer import open_run

PRECISION: Final = "mixed_bfloat16"
"""1.5 times as fast as float32 on processors that support it, with the same results here."""
ANY: Final = len(KINDS)
"""The kind that means "any", of a tenth of the training images, for guidance (Ho & Salimans 2022)."""

MOVED: Final = Augmentation(rotate=3, zoom=(1.0, 1.1), shift=0.02, gamma=(0.9, 1.1))
"""Small changes, since the generator reproduces them: it would draw rotated images."""

BATCHES: Final = 200
"""Batches an epoch, after each of which a training can be resumed."""


@dataclass(frozen=True)
class FlowTraining:
    """Settings of a training. warm: share of the steps in which the learning rate rises."""

    batch: int = 32
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01
    momentum: float = 0.998
    seed: int = 0


class FlowBatches(Batches):
    """Batches of ((picture, time, kind), target, weights) for one stage; pixels in [-1, 1]."""

    def __init__(
        self, images: NDArray[np.uint8], kinds: NDArray[np.int32], stage: FlowStage, settings: FlowTraining
    ) -> None:
        self.images, self.kinds, self.stage, self.settings = images, kinds, stage, settings
        self.batch, self.steps = settings.batch, BATCHES

    def at(self, epoch: int, step: int) -> Batch:
        """As `Batches.at`."""
        batch, rng = self.batch, np.random.default_rng((self.settings.seed, epoch, step))
        chosen = rng.integers(0, len(self.images), batch)
        pairs = [self._image_and_draft(self.images[i], rng) for i in chosen]
        image = np.stack([image for image, _ in pairs])[..., None]
        noise = rng.standard_normal(image.shape, np.float32)
        # more of the middle, where the task is hardest (Esser 2024, eq. 19)
        time = expit(rng.standard_normal(batch)).astype(np.float32)
        part = time[:, None, None, None]
        picture, target = (1 - part) * noise + part * image, image - noise
        if self.stage.shape.conditions:
            draft = np.stack([draft for _, draft in pairs])[..., None]
            picture, target = np.concatenate([picture, draft], axis=-1), image - draft
        kinds = np.where(rng.random(batch) < 0.1, ANY, self.kinds[chosen]).astype(np.int32)
        return (picture, time, kinds), np.asarray(target, np.float32), np.full(batch, 1 / batch, np.float32)

    def _image_and_draft(
        self, pixels: NDArray[np.uint8], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One augmented image at the stage's crop and its draft at the same size, both in [-1, 1]."""
        crop = self.stage.crop
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


class FlowTask(Task):
    """Training one stage; after every epoch the averaged weights are written to `weights`, ready to draw with."""

    def __init__(self, batches: FlowBatches, epochs: int, weights: Path) -> None:
        self.batches, self.weights = batches, weights
        stage, settings = batches.stage, batches.settings
        keras.utils.set_random_seed(settings.seed)
        self.name, self.momentum = stage.name, settings.momentum
        self.network, self.averaged = build_flow_network(stage.shape, PRECISION), build_flow_network(stage.shape)
        self.averaged.set_weights(self.network.get_weights())
        phase = Phase(
            epochs,
            lambda *_: True,
            lambda: keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay),
            lambda step, total, steps: cosine_rate(settings.learning_rate, step, total, round(settings.warm * total)),
        )
        self.phases = (phase,)

    def prepare(self) -> FlowBatches:
        """As `Task.prepare`; the images are in memory."""
        return self.batches

    def loss(self, output: Any, target: Any) -> Any:
        """Mean squared error of each image."""
        return keras.ops.mean(keras.ops.square(output - target), axis=(1, 2, 3))

    def validate(self) -> dict[str, Any]:
        """No metrics: drawn images are checked later, and the latest epoch counts as the best."""
        return {}

    def after_epoch(self, run: RunFolder, epoch: int) -> dict[str, Any]:
        """Write the averaged weights."""
        self.averaged.save_weights(self.weights)
        return {}


def train_stage(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int32],
    stage: FlowStage,
    folder: Path,
    *,
    epochs: int | None = None,
    settings: FlowTraining = FlowTraining(),
) -> str:
    """Train one stage as the run `folder`/<stage>; averaged weights go to `folder`/<stage>.weights.h5 after every epoch.

    epochs: by default those of the stage. Resumes the run of an earlier call with the same folder. Returns the final state
    of the run; raises RunError where the images are not those it began with.
    """
    run = RunFolder(folder / stage.name)
    folder.mkdir(parents=True, exist_ok=True)
    task = FlowTask(FlowBatches(images, kinds, stage, settings), epochs or stage.epochs, folder / f"{stage.name}.weights.h5")
    digest = hashlib.sha256(images.tobytes() + kinds.tobytes()).hexdigest()
    config = {"model": stage.name, **asdict(settings), "data_hash": digest, "images": len(images)}
    return open_run(run, task, config).train()
