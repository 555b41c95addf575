"""The images of a split as batches: any batch of any epoch can be made again from the seed alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.images.preprocess import Preprocessing, scaled
from covid_model.training.augment import AUGMENTATIONS
from covid_model.training.config import Balance, TrainConfig
from covid_model.training.image_cache import SmallImage, drawn

if TYPE_CHECKING:
    import tensorflow as tf

HEAVIEST: Final = 5.0
"""No image counts more than this many times the mean, so that a handful of images of one source does not rule its label."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def image_weights(table: pd.DataFrame, balance: Balance, label: NDArray[np.int64]) -> NDArray[np.float32]:
    """A weight for each image, mean 1. "label": every label counts the same; "label and source": within a label every
    source.

    Without the second part the 1,100 images of children would decide what a normal image is, and the few pneumonias that
    come from the same collection as the COVID-19 images, which no shortcut tells apart, would not be heard.
    """
    if balance == "none":
        return np.ones(len(table), np.float32)
    cells = pd.DataFrame({"label": label, "source": table["source"].to_numpy() if balance == "label and source" else ""})
    size = cells.groupby(["label", "source"])["label"].transform("size").to_numpy(float)
    sources = cells.groupby("label")["source"].transform("nunique").to_numpy(float)
    weight = 1 / (size * sources)
    weight = np.minimum(weight / weight.mean(), HEAVIEST)
    return (weight / weight.mean()).astype(np.float32)


class Batches:
    """Shuffled, augmented batches (images, one-hot labels, weights), each a function of seed, epoch and step.

    weights: each image's share in the loss; they sum to 1 over the whole batch. Of `workers` workers each gets its part.
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
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._worker, self._workers = worker, workers
        self._images, self._weight, self._spec, self._config = images, weight, spec, config
        self._onehot = np.eye(classes, dtype=np.float32)[label]
        self.batch = min(config.batch, len(images))
        self.steps = config.steps or max(1, len(images) // self.batch)

    def at(self, epoch: int, step: int) -> Batch:
        """Batch `step` of `epoch`; after the last image the epoch goes on with another order."""
        per_pass = max(1, len(self._images) // self.batch)
        turn, place = divmod(step, per_pass)
        order = np.random.default_rng((self._config.seed, epoch, turn)).permutation(len(self._images))
        whole = order[place * self.batch : (place + 1) * self.batch]
        augmentation, views = AUGMENTATIONS[self._config.augmentation], []
        mine = np.arange(len(whole))[self._worker :: self._workers]
        for number in mine:
            rng = np.random.default_rng((self._config.seed, epoch, step, 1, number))
            views.append(scaled(drawn(self._images[whole[number]], self._spec, augmentation, rng), self._spec))
        weight = self._weight[whole] / self._weight[whole].sum()
        return np.stack(views), self._onehot[whole[mine]], weight[mine]

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch in order."""
        return iter(self.dataset(epoch))

    def dataset(self, epoch: int) -> "tf.data.Dataset":
        """The same as a tf.data pipeline, made ahead of time by two workers."""
        import tensorflow as tf

        def make(step: NDArray[np.int64]) -> Batch:
            return self.at(epoch, int(step))

        shapes = ((None, *self._spec.size, self._spec.channels), (None, self._onehot.shape[1]), (None,))
        steps = tf.data.Dataset.range(self.steps)
        ready = steps.map(
            lambda step: tf.numpy_function(make, [step], [tf.float32] * 3), num_parallel_calls=2, deterministic=True
        )
        shaped = ready.map(lambda *parts: tuple(tf.ensure_shape(p, s) for p, s in zip(parts, shapes, strict=True)))
        return shaped.prefetch(2)
