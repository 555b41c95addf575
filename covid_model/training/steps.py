"""One training step and its learning rate, compiled."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model.training.config import TrainConfig

if TYPE_CHECKING:
    import keras


def learning_rate(config: TrainConfig, steps: int, step: int, *, head: bool) -> float:
    """The rate at step `step` (from 0) of a phase: warm up over one epoch, then fall along a cosine; or constant.

    steps: steps an epoch.
    """
    top = config.head_rate if head else config.rate
    if not config.cosine:
        return top
    total = steps * (config.head_epochs if head else config.epochs)
    warm = min(steps, total // 2)
    if step < warm:
        return top * (0.05 + 0.95 * step / warm)
    share = (step - warm) / max(1, total - warm)
    return top * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * share))))


def make_optimiser(config: TrainConfig) -> "keras.Optimizer":
    """AdamW with clipped gradients, or Adam as the older recipes have it where there is no weight decay."""
    import keras

    if config.weight_decay:
        return keras.optimizers.AdamW(1e-3, weight_decay=config.weight_decay, clipnorm=1.0)
    return keras.optimizers.Adam(1e-3)


def loss_of(logits: Any, onehot: Any, smoothing: float) -> Any:
    """Loss a film: cross-entropy of softmax for several units; of a sigmoid for one, whose truth is the last class."""
    import tensorflow as tf

    if logits.shape[-1] == 1:
        truth = onehot[:, -1:] * (1 - smoothing) + smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)[:, 0]
    truth = onehot * (1 - smoothing) + smoothing / onehot.shape[-1]
    return tf.nn.softmax_cross_entropy_with_logits(truth, logits)


def make_step(
    model: "keras.Model", averaged: "keras.Model", optimiser: "keras.Optimizer", variables: list[Any], config: TrainConfig
) -> Callable[..., tuple[Any, Any]]:
    """A compiled (films, onehot, weights, rate) -> (loss, share right) that trains `variables` and moves `averaged`.

    `averaged` is a second network whose weights are the running mean of the first's (momentum config.ema).
    """
    import tensorflow as tf

    optimiser.build(variables)
    pairs = list(zip(averaged.weights, model.weights, strict=True))

    def step(films: Any, onehot: Any, weights: Any, rate: Any) -> tuple[Any, Any]:
        optimiser.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            logits = model(films, training=True)
            loss = tf.reduce_sum(loss_of(logits, onehot, config.smoothing) * weights) / tf.reduce_sum(weights)
        optimiser.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        for mean, now in pairs:
            mean.assign(now if "seed" in now.path else config.ema * mean + (1 - config.ema) * now)
        called = tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, axis=-1)
        return loss, tf.reduce_mean(tf.cast(called == tf.argmax(onehot, axis=-1), tf.float32))

    return tf.function(step)
