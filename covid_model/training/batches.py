"""Training images as batches; any batch of any epoch can be reproduced from the seed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.images.preprocess import Preprocessing, scaled
from covid_model.training.augment import AUGMENTATIONS
from covid_model.training.config import Balance, TrainConfig
from covid_model.training.image_cache import SmallImage, augmented

if TYPE_CHECKING:
    import tensorflow as tf

HEAVIEST: Final = 5.0
"""Largest weight of an image, in units of the mean, so that a few images of one source do not dominate their label."""

Batch = tuple[NDArray[np.float32] | tuple[NDArray[Any], ...], NDArray[np.float32], NDArray[np.float32]]
"""(inputs, target, weights)."""


def image_weights(table: pd.DataFrame, balance: Balance, label: NDArray[np.int64]) -> NDArray[np.float32]:
    """A weight for each image, (n,) float32 of mean 1. label: (n,) class indices.

    balance "label" gives every label the same total weight; "label and source" also every source within a label. Otherwise
    the 1,100 images of children would dominate the normal images, and the few pneumonias from the same collection as the
    COVID-19 images, the only ones that no shortcut separates, would hardly count.
    """
    if balance == "none":
        return np.ones(len(table), np.float32)
    cells = pd.DataFrame({"label": label, "source": table["source"].to_numpy() if balance == "label and source" else ""})
    size = cells.groupby(["label", "source"])["label"].transform("size").to_numpy(float)
    sources = cells.groupby("label")["source"].transform("nunique").to_numpy(float)
    weight = 1 / (size * sources)
    weight = np.minimum(weight / weight.mean(), HEAVIEST)
    return (weight / weight.mean()).astype(np.float32)


class Batches(ABC):
    """Reproducible batches: each depends on epoch and step alone, so that a resumed run continues with the same ones.

    steps: steps an epoch. batch: images in a batch, of all workers together.
    """

    steps: int
    batch: int

    @abstractmethod
    def at(self, epoch: int, step: int) -> Batch:
        """(inputs, target, weights) of batch `step` of `epoch`, both from 0; inputs may be a tuple of arrays.

        weights: each image's share in the loss; they sum to 1 over the whole batch.
        """

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch in order."""
        return iter(self.dataset(epoch))

    def dataset(self, epoch: int) -> "tf.data.Dataset":
        """The batches of one epoch as a tf.data pipeline that prepares them in two threads."""
        import tensorflow as tf

        example = self._example
        flat = tf.nest.flatten(example)

        def make(step: NDArray[np.int64]) -> list[NDArray[Any]]:
            return list(tf.nest.flatten(self.at(epoch, int(step))))

        def shaped(*parts: Any) -> Any:
            known = [tf.ensure_shape(part, (None, *one.shape[1:])) for part, one in zip(parts, flat, strict=True)]
            return tf.nest.pack_sequence_as(example, known)

        steps = tf.data.Dataset.range(self.steps)
        types = [array.dtype for array in flat]
        ready = steps.map(lambda step: tf.numpy_function(make, [step], types), num_parallel_calls=2, deterministic=True)
        return ready.map(shaped).prefetch(2)

    @cached_property
    def _example(self) -> Batch:
        """The first batch, for shapes and types."""
        return self.at(0, 0)


class ImageBatches(Batches):
    """Shuffled, augmented batches (images, targets, weights). Each of `workers` workers gets its part of a batch.

    Targets are one-hot labels (b, classes), and beside them `offset` where it is given: (b, 2, classes).
    """

    def __init__(
        self,
        images: list[SmallImage],
        label: NDArray[np.int64],
        weight: NDArray[np.float32],
        spec: Preprocessing,
        classes: int,
        config: TrainConfig,
        *,
        offset: NDArray[np.float32] | None = None,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._worker, self._workers = worker, workers
        self._images, self._weight, self._spec, self._config = images, weight, spec, config
        onehot = np.eye(classes, dtype=np.float32)[label]
        self._target = onehot if offset is None else np.stack([onehot, offset], axis=1)
        self.batch = min(config.batch, len(images))
        self.steps = config.steps or max(1, len(images) // self.batch)

    def at(self, epoch: int, step: int) -> Batch:
        """As `Batches.at`; after the last image the epoch continues in another order."""
        per_pass = max(1, len(self._images) // self.batch)
        turn, place = divmod(step, per_pass)
        order = np.random.default_rng((self._config.seed, epoch, turn)).permutation(len(self._images))
        whole = order[place * self.batch : (place + 1) * self.batch]
        augmentation, views = AUGMENTATIONS[self._config.augmentation], []
        mine = np.arange(len(whole))[self._worker :: self._workers]
        for number in mine:
            rng = np.random.default_rng((self._config.seed, epoch, step, 1, number))
            views.append(scaled(augmented(self._images[whole[number]], self._spec, augmentation, rng), self._spec))
        weight = self._weight[whole] / self._weight[whole].sum()
        return np.stack(views), self._target[whole[mine]], weight[mine]
