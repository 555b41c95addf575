"""ResNet50, DenseNet121 and MobileNetV2 of keras.applications as flat functional graphs.

Their layers keep the names that keras.applications gives them, so that its ImageNet weights fit by name.
"""

from dataclasses import dataclass
from typing import Final

import keras
from keras import layers

from covid_model.errors import ModelError

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Application:
    """A network of keras.applications. scale, offset: from pixels in [-1, 1] to what its ImageNet weights expect."""

    name: str
    scale: Triple
    offset: Triple


def _from_signed(mean: Triple, deviation: Triple) -> tuple[Triple, Triple]:
    """Scale and offset that take [-1, 1] to (bytes - mean) / deviation."""
    scale = tuple(127.5 / d for d in deviation)
    offset = tuple((127.5 - m) / d for m, d in zip(mean, deviation, strict=True))
    return scale, offset  # type: ignore[return-value]


APPLICATIONS: Final = {
    "resnet50": Application("ResNet50", *_from_signed((103.939, 116.779, 123.68), (1.0, 1.0, 1.0))),
    "densenet121": Application("DenseNet121", *_from_signed((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))),
    "mobilenetv2": Application("MobileNetV2", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
}
"""He 2016 (arXiv 1512.03385), Huang 2017 (1608.06993), Sandler 2018 (1801.04381)."""


def build_application(key: str, units: int, size: tuple[int, int] = (224, 224)) -> keras.Model:
    """(batch, *size, 3) in [-1, 1] -> trunk, global average pooling ("pool"), dense "logits" (batch, units)."""
    application = APPLICATIONS[key]
    image = keras.Input((*size, 3), name="image")
    x = layers.Rescaling(application.scale, application.offset, name="imagenet_pixels")(image)
    trunk = getattr(keras.applications, application.name)(include_top=False, weights=None, input_tensor=x)
    x = layers.GlobalAveragePooling2D(name="pool")(trunk.output)
    return keras.Model(image, layers.Dense(units, name="logits")(x), name=key)


def downloaded(key: str) -> keras.Model:
    """The trunk with the ImageNet weights that Keras downloads once and keeps. Raises ModelError without them."""
    name = APPLICATIONS[key].name
    try:
        return getattr(keras.applications, name)(include_top=False, weights="imagenet")
    except Exception as error:  # the download fails in as many ways as networks do
        raise ModelError(
            f"The ImageNet weights of {name} are not on this machine and could not be downloaded ({error}); "
            "put Keras' file into ~/.keras/models, or start from another run (--init run --base DIR)."
        ) from error
