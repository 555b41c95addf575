"""A new model: one spec, and how its network is built."""

from covid_model.data.labels import LABELS
from covid_model.images.preprocess import Preprocessing
from covid_model.models.specs import ModelSpec


def build():
    import keras
    from keras import layers

    image = keras.Input((32, 32, 1), name="image")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="conv")(image))
    return keras.Model(image, layers.Dense(3, name="logits")(x))


THROWAWAY = ModelSpec(
    key="throwaway",
    title="Throw-away model",
    summary="One convolution.",
    architecture="throwaway",
    classes=LABELS,
    preprocessing=Preprocessing(size=(32, 32), channels=1),
    explanation_layers=("conv",),
    build=build,
    limits=("Research software: never a diagnosis.",),
    float16=True,
    claimed="nothing",
)
