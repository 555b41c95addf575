"""Class visualisation: a generated picture for which the score of one class is high, by tf-keras-vis."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Progress, silent
from covid_model.explain.target import Target

if TYPE_CHECKING:
    import keras

STEPS: Final = 96


def visualise_class(
    model: "keras.Model",
    target: Target,
    value_range: tuple[float, float],
    *,
    steps: int = STEPS,
    seed: int = 0,
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """Activation maximisation (Erhan 2009; tf-keras-vis' ActivationMaximization) of the target.

    value_range: smallest and largest value of the model's input. Starts from weak noise about their middle, keeps the
    picture smooth (total variation) and shifts and rotates it slightly at each step. Returns a grey picture, (H, W) float32
    in [0, 1], stretched so that its 1st and 99th percentile are 0 and 1.
    """
    import tensorflow as tf
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.activation_maximization.callbacks import Callback
    from tf_keras_vis.activation_maximization.input_modifiers import Jitter, Rotate2D
    from tf_keras_vis.activation_maximization.regularizers import TotalVariation2D

    class Report(Callback):
        def __call__(self, i: int, *_: Any, **__: Any) -> None:
            progress((i + 1) / steps)

    low, high = value_range
    rng = np.random.default_rng(seed)
    noise = rng.normal((low + high) / 2, (high - low) / 20, (1, *model.input_shape[1:-1], 1))
    weights = tf.constant(target.row)
    found = ActivationMaximization(_of_grey(model), clone=False)(
        lambda logits: tf.reduce_sum(logits * weights, axis=-1),
        seed_input=tf.constant(noise, tf.float32),
        input_range=value_range,
        steps=steps,
        input_modifiers=[Jitter(jitter=8), Rotate2D(degree=2)],
        regularizers=[TotalVariation2D(weight=2.0)],
        optimizer=tf.optimizers.RMSprop((high - low) / 50, 0.95),
        callbacks=[Report()],
    )
    picture = np.asarray(found, np.float32)[0, ..., 0]
    dark, bright = np.percentile(picture, (1, 99))
    return np.clip((picture - dark) / max(bright - dark, 1e-6), 0, 1).astype(np.float32)


def _of_grey(model: "keras.Model") -> "keras.Model":
    """The network behind one grey channel, its input in a list, as tf-keras-vis requires."""
    import keras

    grey = keras.Input((*model.input_shape[1:-1], 1), name="grey")
    channels = model.input_shape[-1]
    image = keras.layers.Concatenate(name="channels")([grey] * channels) if channels > 1 else grey
    return keras.Model([grey], model(image))
