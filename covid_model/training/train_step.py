"""One compiled training step, and the precision in which it computes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from covid_model.training.distribute import Workers
from covid_model.training.task import Task

if TYPE_CHECKING:
    import keras

BFLOAT16_FROM: Final = (8, 0)
"""Compute capability from which graphics cards are faster in bfloat16, which needs no loss scaling."""


def precision_here() -> Literal["float32", "mixed_bfloat16"]:
    """Mixed precision where every graphics card of this host is fast at it, else float32."""
    import tensorflow as tf

    cards = [tf.config.experimental.get_device_details(card) for card in tf.config.list_physical_devices("GPU")]
    quick = cards and all(card.get("compute_capability", (0, 0)) >= BFLOAT16_FROM for card in cards)
    return "mixed_bfloat16" if quick else "float32"


def built_in(precision: str, build: Callable[[], "keras.Model"]) -> "keras.Model":
    """The network from `build`, with layers that compute in `precision`, a Keras policy; its weights are float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)


def make_step(
    task: Task, optimiser: "keras.Optimizer", workers: Workers
) -> Callable[[Any, Any, Any, Any, Any], tuple[Any, Any, Any]]:
    """A compiled (inputs, target, weights, rate, asked) -> (loss, images right, asked), sums over all workers.

    It updates the trainable variables of `task.network`, and `task.averaged`. weights: share of each image in the loss of
    the whole batch. rate: learning rate. asked: 1 where this worker was asked to stop.
    """
    import tensorflow as tf

    network, momentum = task.network, task.momentum
    variables = network.trainable_variables
    optimiser.build(variables)
    pairs = list(zip(task.averaged.weights, network.weights, strict=True))

    def replica(inputs: Any, target: Any, weights: Any, asked: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            output = tf.nest.map_structure(lambda part: tf.cast(part, tf.float32), task.forward(inputs))
            loss = tf.reduce_sum(task.loss(output, target) * weights)
        right = tf.reduce_sum(task.correct(output, target))
        return tape.gradient(loss, [v.value for v in variables]), loss, right, tf.identity(asked)

    def step(inputs: Any, target: Any, weights: Any, rate: Any, asked: Any) -> tuple[Any, Any, Any]:
        optimiser.learning_rate.assign(rate)
        gradients, loss, right, stop = workers.sum(workers.strategy.run(replica, args=(inputs, target, weights, asked)))
        if task.clip is not None:
            gradients = [tf.clip_by_norm(gradient, task.clip) for gradient in gradients]
        optimiser.apply(gradients, variables)
        for mean, now in pairs:
            mean.assign(now if "seed" in now.path else momentum * mean + (1 - momentum) * now)
        return loss, right, stop

    return tf.function(step)
