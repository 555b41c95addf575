"""Training images as batches; any batch of any epoch can be reproduced from the seed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.images.preprocess import Preprocessing, scaled
from covid_model.training.augment import AUGMENTATIONS, without_exposure
from covid_model.training.config import Balance, TrainConfig
from covid_model.training.image_cache import SmallImage, View, augmented

if TYPE_CHECKING:
    import tensorflow as tf

HEAVIEST: Final = 5.0
"""Largest weight of an image, in units of the mean, so that a few images of one source do not dominate their label."""

OUTLINED: Final = 4
"""Of so many images in training, one is shown as an outline, too."""

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

    Targets are one-hot labels (b, classes), and beside them `offset` where it is given: (b, 2, classes). With
    `config.guided` the inputs are four: images; the share of each cell (b, *cells) that radiologists marked; the source,
    one-hot; and every OUTLINED-th image as an outline. source: (n,) of each image, from 0.
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
        cells: tuple[int, int] = (1, 1),
        source: NDArray[np.int64] | None = None,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._worker, self._workers, self._cells = worker, workers, cells
        source = np.zeros(len(label), np.int64) if source is None else source
        self._source = np.eye(source.max() + 1, dtype=np.float32)[source]
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
        mine = np.arange(len(whole))[self._worker :: self._workers]
        rngs = [np.random.default_rng((self._config.seed, epoch, step, 1, number)) for number in mine]
        images = [self._images[number] for number in whole[mine]]
        views = [self._view(image, rng) for image, rng in zip(images, rngs, strict=True)]
        shown, target = self._stacked(views), self._target[whole[mine]]
        weight = (self._weight[whole] / self._weight[whole].sum())[mine]
        if not self._config.guided:
            return shown, target, weight
        plain = without_exposure(AUGMENTATIONS[self._config.augmentation])
        pairs = list(zip(images, rngs, strict=True))[::OUTLINED]
        empty = [augmented(image.emptied(), self._spec, plain, rng) for image, rng in pairs]
        marks = np.stack([self._marked(view) for view in views])
        return (shown, marks, self._source[whole[mine]], self._stacked(empty)), target, weight

    def _view(self, image: SmallImage, rng: np.random.Generator) -> View:
        most, style = self._config.spectrum, None
        if most:
            style = self._images[rng.integers(len(self._images))]
        return augmented(image, self._spec, AUGMENTATIONS[self._config.augmentation], rng, style=style, most=most)

    def _stacked(self, views: Sequence[View]) -> NDArray[np.float32]:
        return np.stack([scaled(view.pixels, self._spec) for view in views])

    def _marked(self, view: View) -> NDArray[np.float32]:
        """The share of each cell (*cells) that is marked; zeros where nothing is."""
        if view.marks is None:
            return np.zeros(self._cells, np.float32)
        return np.asarray(cv2.resize(view.marks, self._cells[::-1], interpolation=cv2.INTER_AREA), np.float32)
