"""The phases of a training, with optimiser and learning rate."""

from typing import TYPE_CHECKING, Final

import numpy as np

from covid_model.training.config import TrainConfig
from covid_model.training.task import Phase

if TYPE_CHECKING:
    import keras

LARGEST: Final = 1.0
"""Largest norm of a variable's gradient where there is weight decay."""


def cosine_rate(top: float, step: int, total: int, warm: int) -> float:
    """The learning rate at `step` (from 0) of `total`: from 5% to all of `top` in `warm` steps, then to 1% by a cosine.

    >>> cosine_rate(1.0, 0, 100, 10), cosine_rate(1.0, 10, 100, 10), round(cosine_rate(1.0, 100, 100, 10), 6)
    (0.05, 1.0, 0.01)
    """
    if step < warm:
        return top * (0.05 + 0.95 * step / warm)
    share = (step - warm) / max(1, total - warm)
    return top * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * share))))


def phases(config: TrainConfig) -> tuple[Phase, ...]:
    """First the last layer alone, then all layers but `config.frozen` of them.

    Batch normalisation is frozen unless weights start at random.
    """
    import keras

    def all_but_frozen(layer: "keras.layers.Layer", place: float) -> bool:
        keeps_statistics = config.init != "random" and isinstance(layer, keras.layers.BatchNormalization)
        return place >= config.frozen and not keeps_statistics

    head = Phase(
        config.head_epochs,
        lambda layer, _: layer.name == "logits",
        lambda: make_optimiser(config),
        lambda step, total, steps: learning_rate(config, config.head_learning_rate, step, total, steps),
    )
    whole = Phase(
        config.epochs,
        all_but_frozen,
        lambda: make_optimiser(config),
        lambda step, total, steps: learning_rate(config, config.learning_rate, step, total, steps),
        config.patience,
    )
    return (head, whole)


def learning_rate(config: TrainConfig, top: float, step: int, total: int, steps: int) -> float:
    """The rate at `step` (from 0) of a phase of `total` steps, `steps` an epoch; top: the largest rate.

    Warm-up of one epoch and then a cosine, or constant without `config.cosine`.
    """
    return cosine_rate(top, step, total, min(steps, total // 2)) if config.cosine else top


def make_optimiser(config: TrainConfig) -> "keras.Optimizer":
    """AdamW with weight decay, Adam without."""
    import keras

    if config.weight_decay:
        return keras.optimizers.AdamW(1e-3, weight_decay=config.weight_decay)
    return keras.optimizers.Adam(1e-3)
