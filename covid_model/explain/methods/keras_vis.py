"""The same maps by tf-keras-vis, the reference that tests compare our own methods with.

ReplaceToLinear is not needed, since a model's output is its logits. The layer is always named, since in a residual network
the last convolution comes before the skip connection. Maps are (h, w) float32, raw and at layer size.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model.backends.base import Array, Engines
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ExplainError
from covid_model.explain.methods.registry import CAM, COARSE, RAISED, Method, MethodInput, register
from covid_model.explain.target import Target

if TYPE_CHECKING:
    import keras


@register
class GradCamKerasVis(Method):
    """Grad-CAM by tf-keras-vis, to compare with."""

    key = "gradcam-tkv"
    label = "Grad-CAM (tf-keras-vis)"
    family = CAM
    paper = "Selvaraju 2017, arXiv 1610.02391"
    shows = RAISED
    limits = f"{COARSE} The library tf-keras-vis computes the same map as Grad-CAM, many times slower."
    needs_layer = True

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Always."""
        return True

    def heatmap(self, inputs: MethodInput) -> Array:
        """As `Method.heatmap`, (h, w) of the layer. Raises ExplainError for a model that is no Keras network."""
        backend = inputs.model.gradients
        if not isinstance(backend, TensorFlowBackend):
            raise ExplainError(f"{self.label} needs a Keras network; Grad-CAM gives the same map of this model.")
        return grad_cam(backend, inputs.batch, inputs.target, layer=inputs.layer)


def grad_cam(backend: TensorFlowBackend, batch: Array, target: Target, *, layer: str) -> Array:
    """Grad-CAM of one image by tf-keras-vis."""
    from tf_keras_vis.gradcam import Gradcam

    return _class_activation(Gradcam, backend, batch, target, layer)


def grad_cam_plus_plus(backend: TensorFlowBackend, batch: Array, target: Target, *, layer: str) -> Array:
    """Grad-CAM++ by tf-keras-vis, which keeps the factor exp(y) that `cam.GradCamPlusPlus` leaves out."""
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

    return _class_activation(GradcamPlusPlus, backend, batch, target, layer)


def layer_cam(backend: TensorFlowBackend, batch: Array, target: Target, *, layer: str) -> Array:
    """LayerCAM by tf-keras-vis."""
    from tf_keras_vis.layercam import Layercam

    return _class_activation(Layercam, backend, batch, target, layer)


def hires_cam(backend: TensorFlowBackend, batch: Array, target: Target, *, layer: str) -> Array:
    """The positive part of HiResCAM: LayerCAM of tf-keras-vis with its gradient left as it is."""
    from tf_keras_vis.layercam import Layercam

    return _class_activation(Layercam, backend, batch, target, layer, gradient_modifier=None)


def score_cam(backend: TensorFlowBackend, batch: Array, target: Target, *, layer: str, channels: int) -> Array:
    """Score-CAM by tf-keras-vis; valid for softmax heads only."""
    from tf_keras_vis.scorecam import Scorecam

    return _class_activation(Scorecam, backend, batch, target, layer, max_N=channels)


def saliency(backend: TensorFlowBackend, batch: Array, target: Target, *, samples: int = 0, noise: float = 0.1) -> Array:
    """Saliency by tf-keras-vis, SmoothGrad where there are `samples`; noise from NumPy's global generator."""
    from tf_keras_vis.saliency import Saliency

    found = Saliency(_taking_a_list(backend.network), clone=False)(
        _score(target), batch, smooth_samples=samples, smooth_noise=noise, normalize_map=False
    )
    return np.asarray(found, np.float32)[0]


def _class_activation(
    kind: Callable[..., Any], backend: TensorFlowBackend, batch: Array, target: Target, layer: str, **options: object
) -> Array:
    found = kind(_taking_a_list(backend.network), clone=False)(
        _score(target),
        batch,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
        **options,
    )
    return np.asarray(found, np.float32)[0]


def _taking_a_list(model: "keras.Model") -> "keras.Model":
    """The network with its input in a list, as the library passes every input."""
    import keras

    return keras.Model(model.inputs, model.outputs)


def _score(target: Target) -> Callable[[Any], Any]:
    import tensorflow as tf

    weights = tf.constant(target.row)
    return lambda logits: tf.reduce_sum(logits * weights, axis=-1)
