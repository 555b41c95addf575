"""One training step and its learning rate, compiled."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from covid_model.models.specs import ModelSpec
from covid_model.training.config import TrainConfig
from covid_model.training.distribute import Team

if TYPE_CHECKING:
    import keras

LARGEST: Final = 1.0
"""No gradient of a variable is longer than this where weights decay."""
BFLOAT16_FROM: Final = (8, 0)
"""Compute capability from which graphics cards are quicker in bfloat16, which needs no loss scaling."""


def precision_here() -> Literal["float32", "mixed_bfloat16"]:
    """Mixed precision where every graphics card found is quick at it, else full precision."""
    import tensorflow as tf

    cards = [tf.config.experimental.get_device_details(card) for card in tf.config.list_physical_devices("GPU")]
    quick = cards and all(card.get("compute_capability", (0, 0)) >= BFLOAT16_FROM for card in cards)
    return "mixed_bfloat16" if quick else "float32"


def built_to_train(row: ModelSpec, precision: str) -> "keras.Model":
    """The network of `row` that computes in `precision`; its weights are float32 all the same."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return row.build()
    finally:
        keras.config.set_dtype_policy(before)


def learning_rate(config: TrainConfig, steps: int, step: int, *, head: bool) -> float:
    """The rate at step `step` (from 0) of a phase: warm up over one epoch, then fall along a cosine; or constant.

    steps: steps an epoch.
    """
    top = config.head_learning_rate if head else config.learning_rate
    if not config.cosine:
        return top
    total = steps * (config.head_epochs if head else config.epochs)
    warm = min(steps, total // 2)
    if step < warm:
        return top * (0.05 + 0.95 * step / warm)
    share = (step - warm) / max(1, total - warm)
    return top * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * share))))


def make_optimiser(config: TrainConfig) -> "keras.Optimizer":
    """AdamW, or Adam as the older recipes have it where there is no weight decay."""
    import keras

    if config.weight_decay:
        return keras.optimizers.AdamW(1e-3, weight_decay=config.weight_decay)
    return keras.optimizers.Adam(1e-3)


def loss_of(logits: Any, onehot: Any, label_smoothing: float) -> Any:
    """Loss an image: cross-entropy of softmax for several units; of a sigmoid for one, whose truth is the last class."""
    import tensorflow as tf

    if logits.shape[-1] == 1:
        truth = onehot[:, -1:] * (1 - label_smoothing) + label_smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)[:, 0]
    truth = onehot * (1 - label_smoothing) + label_smoothing / onehot.shape[-1]
    return tf.nn.softmax_cross_entropy_with_logits(truth, logits)


def make_step(
    model: "keras.Model",
    averaged: "keras.Model",
    optimiser: "keras.Optimizer",
    variables: list[Any],
    config: TrainConfig,
    team: Team,
) -> Callable[..., tuple[Any, Any, Any]]:
    """A compiled (images, onehot, weights, rate, asked) -> (loss, images right, asked), sums over all workers.

    It trains `variables` and moves `averaged`, a second network whose weights are the running mean of the first's (momentum
    config.ema). weights: share of each image in the loss of the whole batch. asked: 1 where this worker was asked to stop.
    """
    import tensorflow as tf

    optimiser.build(variables)
    pairs = list(zip(averaged.weights, model.weights, strict=True))

    def replica(images: Any, onehot: Any, weights: Any, asked: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            logits = tf.cast(model(images, training=True), tf.float32)
            loss = tf.reduce_sum(loss_of(logits, onehot, config.label_smoothing) * weights)
        called = tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, axis=-1)
        right = tf.reduce_sum(tf.cast(called == tf.argmax(onehot, axis=-1), tf.float32))
        return tape.gradient(loss, [v.value for v in variables]), loss, right, tf.identity(asked)

    def step(images: Any, onehot: Any, weights: Any, rate: Any, asked: Any) -> tuple[Any, Any, Any]:
        optimiser.learning_rate.assign(rate)
        gradients, *told = team.sum(team.strategy.run(replica, args=(images, onehot, weights, asked)))
        if config.weight_decay:
            gradients = [tf.clip_by_norm(gradient, LARGEST) for gradient in gradients]
        optimiser.apply(gradients, variables)
        for mean, now in pairs:
            mean.assign(now if "seed" in now.path else config.ema * mean + (1 - config.ema) * now)
        loss, right, stop = told
        return loss, right, stop

    return tf.function(step)
