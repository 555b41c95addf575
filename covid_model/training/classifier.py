"""Train a classifier of the zoo on a manifest: head first, then the whole network."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.films.preprocess import Preprocessing, scaled
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.augment import CLASSIFIER
from covid_model.training.films_cache import SmallFilm, drawn, load_small
from covid_model.zoo.imagenet import imagenet_features
from covid_model.zoo.lite0 import copy_weights
from covid_model.zoo.models import ModelRow

HEAVIEST: Final = 5.0


@dataclass(frozen=True)
class ClassifierTraining:
    """Settings of one training.

    head_epochs: epochs with the ImageNet trunk frozen. epochs: epochs of the whole network after that.
    smoothing: label smoothing. ema: momentum of the running mean of the weights that is kept at the end.
    """

    head_epochs: int = 2
    epochs: int = 10
    batch: int = 32
    head_rate: float = 2e-3
    rate: float = 3e-4
    weight_decay: float = 1e-2
    smoothing: float = 0.05
    ema: float = 0.995
    seed: int = 0

    def as_dict(self) -> dict[str, object]:
        """For the card."""
        return {**asdict(self), "augmentation": asdict(CLASSIFIER), "optimiser": "AdamW, cosine schedule"}


def film_weights(table: pd.DataFrame) -> NDArray[np.float32]:
    """A weight for each film: every label counts the same, and within a label every source.

    Without the second part the 1,100 films of children would decide what a normal film is, and the few pneumonias that
    come from the same collection as the COVID-19 films, which no shortcut tells apart, would not be heard. A film never
    counts more than HEAVIEST times the mean, so that a handful of films of one source does not rule its label. Mean 1.
    """
    cell = table.groupby(["label", "source"])["path"].transform("size").to_numpy(float)
    sources = table.groupby("label")["source"].transform("nunique").to_numpy(float)
    weight = 1 / (cell * sources)
    weight = np.minimum(weight / weight.mean(), HEAVIEST)
    return (weight / weight.mean()).astype(np.float32)


class FilmBatches(keras.utils.PyDataset):
    """Shuffled batches (films, one-hot labels, weights), augmented afresh each epoch."""

    def __init__(
        self,
        films: list[SmallFilm],
        label: NDArray[np.int64],
        weight: NDArray[np.float32],
        spec: Preprocessing,
        classes: int,
        settings: ClassifierTraining,
    ) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self.films, self.weight, self.spec = films, weight, spec
        self.onehot = np.eye(classes, dtype=np.float32)[label]
        self.batch, self.seed, self.epoch = settings.batch, settings.seed, 0
        self.order = np.random.default_rng(settings.seed).permutation(len(films))

    def __len__(self) -> int:
        return len(self.films) // self.batch

    def on_epoch_end(self) -> None:
        """Another order for the next epoch."""
        self.epoch += 1
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.films))

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], ...]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        views = [scaled(drawn(self.films[i], self.spec, CLASSIFIER, rng), self.spec) for i in chosen]
        return np.stack(views), self.onehot[chosen], self.weight[chosen]


def _fit(model: keras.Model, batches: FilmBatches, rate: float, epochs: int, settings: ClassifierTraining) -> None:
    steps = epochs * len(batches)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate * 0.05, steps, warmup_target=rate, warmup_steps=min(len(batches), steps // 2), alpha=0.01
    )
    optimiser = keras.optimizers.AdamW(
        schedule, weight_decay=settings.weight_decay, clipnorm=1.0, use_ema=True, ema_momentum=settings.ema
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.smoothing)
    model.compile(optimiser, loss, weighted_metrics=["accuracy"])
    model.fit(batches, epochs=epochs, verbose=2)
    optimiser.finalize_variable_values(model.trainable_variables)


def train_classifier(
    row: ModelRow, table: pd.DataFrame, segmenter: LungSegmenter, out: Path, settings: ClassifierTraining
) -> keras.Model:
    """Train the model of `row` on the train split and save it to `out` (.keras). Returns the trained network.

    Batch normalisation keeps its ImageNet statistics: batches of films from few sources would teach it the sources.
    """
    keras.utils.set_random_seed(settings.seed)
    train = table[table["split"] == "train"]
    label = train["label"].map(row.classes.index).to_numpy(np.int64)
    films = load_small(train, row.preprocessing, segmenter)
    batches = FilmBatches(films, label, film_weights(train), row.preprocessing, len(row.classes), settings)
    model = row.build()
    copy_weights(imagenet_features(), model)
    for layer in model.layers:
        layer.trainable = layer.name == "logits"
    _fit(model, batches, settings.head_rate, settings.head_epochs, settings)
    for layer in model.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    _fit(model, batches, settings.rate, settings.epochs, settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    trained = row.build()  # a fresh network: the trained one would take its optimiser into the file, four times the size
    trained.set_weights(model.get_weights())
    trained.save(out)
    return trained
