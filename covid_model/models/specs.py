"""The MODELS table: every classifier, for pages, command line, training, docs and tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from covid_model.data.labels import LABELS
from covid_model.errors import ModelError
from covid_model.images.preprocess import Preprocessing

if TYPE_CHECKING:
    import keras

    from covid_model.models.calibration import Head


def _not_to_build() -> "keras.Model":
    raise ModelError("A model that is known by its card alone comes with its weights and cannot be built anew.")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What is known of a model before it is trained; its card adds the rest.

    key: its name on the command line and in file names. title, summary: for readers. architecture: models of one
    architecture can use each other's weights. classes: names in the order of the logits; of one unit (negative,
    positive). preprocessing: how an image becomes its input. explanation_layers: layers for heatmaps, the default first.
    limits: sentences on what it must not be used for or is known to get wrong. head: do the classes exclude one another
    (softmax; a sigmoid of one unit), or has each its own probability? build: makes the untrained flat functional graph,
    input `image`, output `logits`; imports Keras only when called. merges: manifest label -> class of another name;
    labels that are neither a class nor merged are left out. float16: are weights stored as float16? claimed: scores that
    the author of a replication reported, None where there are none and for our own models. ships: are trained weights
    part of the project? If not, the model can be trained.
    """

    key: str
    title: str
    summary: str
    architecture: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    explanation_layers: tuple[str, ...]
    limits: tuple[str, ...] = ()
    head: "Head" = "multiclass"
    build: Callable[[], "keras.Model"] = _not_to_build
    merges: Mapping[str, str] = field(default_factory=dict)
    float16: bool = False
    replication: bool = False
    claimed: str | None = None
    ships: bool = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a manifest that this model knows."""
        return (*self.classes, *self.merges)

    def class_of(self, label: str) -> int:
        """The index of the class that a known label belongs to."""
        return self.classes.index(self.merges.get(label, label))

    def at_size(self, side: int) -> "ModelSpec":
        """The same model with a square input of `side` pixels (`input_size.at_side`); 0 for its own size."""
        if side in (0, self.preprocessing.size[0]):
            return self

        def build() -> "keras.Model":
            from covid_model.models.input_size import at_side

            return at_side(self.build(), side, self.key)

        return replace(self, preprocessing=replace(self.preprocessing, size=(side, side)), build=build)

    @property
    def weights_name(self) -> str:
        """File name of the weights."""
        return f"{self.key}.half.npz" if self.float16 else f"{self.key}.keras"

    @property
    def card_name(self) -> str:
        """File name of the card beside the weights."""
        return f"{self.key}.card.json"


def _lite0() -> "keras.Model":
    from covid_model.models.efficientnet_lite0 import build_lite0

    return build_lite0(len(LABELS), (320, 320))


def _replication(name: str) -> Callable[[], "keras.Model"]:
    def build() -> "keras.Model":
        from covid_model.models import replications

        network: keras.Model = getattr(replications, f"build_{name}")()
        return network

    return build


def _application(key: str, units: int, size: tuple[int, int] = (224, 224)) -> Callable[[], "keras.Model"]:
    def build() -> "keras.Model":
        from covid_model.models.applications import build_application

        return build_application(key, units, size)

    return build


def _small_cnn() -> "keras.Model":
    from covid_model.models.small_cnn import build_small_cnn

    return build_small_cnn(len(LABELS))


_LITE0_LAYERS: Final = ("top", "block5c", "block4c", "block3b")
_RESNET50_LAYERS: Final = ("conv5_block3_out", "conv4_block6_out", "conv3_block4_out")
NO_DIAGNOSIS: Final = "Research software: never a diagnosis, never a reason to treat or not to treat."
"""A limit of every model."""
_FEW_SOURCES: Final = "Trained on a few public collections; on images of other hospitals expect far lower scores."
_GUIDED: Final = "Trained to look where radiologists marked: a heatmap there does not show what the answer rests on."
REPLICATION: Final = "Rebuilt to show what its recipe gives; its scores under its own split are not to be believed."
"""A limit of every model that was rebuilt from a description."""
NOT_COVID: Final = "Not COVID-19"
REST: Final = {"Pneumonia": NOT_COVID, "Normal": NOT_COVID}
"""Labels that a model which only knows COVID-19 or not takes together."""

MODELS: Final[dict[str, ModelSpec]] = {
    row.key: row
    for row in (
        ModelSpec(
            key="lungs",
            title="Lungs only",
            summary="Sees only the segmented lungs: cropped to them, contrast set by them, everything outside set to black.",
            architecture="efficientnet-lite0",
            classes=LABELS,
            preprocessing=Preprocessing(size=(320, 320), channels=3, region="lungs", scaling="signed"),
            explanation_layers=_LITE0_LAYERS,
            build=_lite0,
            limits=(
                NO_DIAGNOSIS,
                _FEW_SOURCES,
                "Needs both lungs found; it sees their outline, too, which can tell age and posture.",
                _GUIDED,
            ),
        ),
        ModelSpec(
            key="whole-image",
            title="Whole image",
            summary="Sees the whole image, markers, borders and all: the way most published models do it.",
            architecture="efficientnet-lite0",
            classes=LABELS,
            preprocessing=Preprocessing(size=(320, 320), channels=3, region="image", scaling="signed"),
            explanation_layers=_LITE0_LAYERS,
            build=_lite0,
            limits=(
                NO_DIAGNOSIS,
                _FEW_SOURCES,
                "Can recognise the hospital, the scanner and the age instead of the disease.",
                _GUIDED,
            ),
        ),
        ModelSpec(
            key="steveroger",
            title="Steveroger's small CNN",
            summary="A student system: two convolutions, a dense layer of 8 and one unit; infected or not.",
            architecture="steveroger",
            classes=(NOT_COVID, "COVID-19"),
            preprocessing=Preprocessing(size=(64, 64), channels=3, scaling="unit"),
            explanation_layers=("conv2",),
            build=_replication("steveroger"),
            limits=(NO_DIAGNOSIS, REPLICATION),
            merges=REST,
            float16=True,
            replication=True,
            claimed="73% accuracy on the images it was trained on",
        ),
        ModelSpec(
            key="anshul",
            title="Anshul's CNN",
            summary=(
                "A student system: COVID-19 against normal images of children, 100 x 100, class by the larger of two units."
            ),
            architecture="anshul",
            classes=("Normal", "COVID-19"),
            preprocessing=Preprocessing(size=(100, 100), channels=3, scaling="unit"),
            explanation_layers=("conv3", "conv2"),
            build=_replication("anshul"),
            limits=(NO_DIAGNOSIS, REPLICATION, "Its normal images show children and its COVID-19 images adults."),
            float16=True,
            replication=True,
        ),
        ModelSpec(
            key="interpretable-cnn",
            title="Interpretable CNN",
            summary="A student system: four convolutions, dropout, one unit; COVID-19 against normal, 304 training images.",
            architecture="interpretable_cnn",
            classes=("Normal", "COVID-19"),
            preprocessing=Preprocessing(size=(224, 224), channels=3, scaling="unit"),
            explanation_layers=("conv4", "conv3"),
            build=_replication("interpretable_cnn"),
            limits=(NO_DIAGNOSIS, REPLICATION, "Trained with mirrored images, though the heart has a side."),
            float16=True,
            replication=True,
            claimed="0.98 validation accuracy",
        ),
        ModelSpec(
            key="corona-3class",
            title="Corona three-class CNN",
            summary="A student system: two convolutions and a dense layer on raw bytes; COVID-19, pneumonia or healthy.",
            architecture="corona_3class",
            classes=LABELS,
            preprocessing=Preprocessing(size=(224, 224), channels=3, scaling="byte"),
            explanation_layers=("conv2",),
            build=_replication("corona_3class"),
            limits=(NO_DIAGNOSIS, REPLICATION),
            float16=True,
            replication=True,
        ),
        ModelSpec(
            key="resnet50",
            title="ResNet50 by transfer",
            summary="A student system: ResNet50 with transfer learning; COVID-19 positive or negative.",
            architecture="resnet50",
            classes=(NOT_COVID, "COVID-19"),
            preprocessing=Preprocessing(size=(224, 224), channels=3, scaling="signed"),
            explanation_layers=_RESNET50_LAYERS,
            build=_application("resnet50", 1),
            limits=(NO_DIAGNOSIS, REPLICATION),
            merges=REST,
            float16=True,
            replication=True,
        ),
        ModelSpec(
            key="resnet50-pneumonia",
            title="ResNet50, pneumonia or normal",
            summary="A start for transfer where no ImageNet weights can be had: small images, no COVID-19 among them.",
            architecture="resnet50",
            classes=("Normal", "Pneumonia"),
            preprocessing=Preprocessing(size=(112, 112), channels=3, scaling="signed"),
            explanation_layers=_RESNET50_LAYERS,
            build=_application("resnet50", 1, (112, 112)),
            limits=(NO_DIAGNOSIS, "Knows no COVID-19: made only to start other trainings from."),
            float16=True,
            ships=False,
        ),
        ModelSpec(
            key="small-cnn",
            title="Small CNN",
            summary="Four convolutions on the whole image: trains on the demo data set in about a minute.",
            architecture="small-cnn",
            classes=LABELS,
            preprocessing=Preprocessing(size=(96, 96), channels=1, scaling="signed"),
            explanation_layers=("block4", "block3"),
            build=_small_cnn,
            limits=(NO_DIAGNOSIS, "Made for the drawn demo data set; what it learns there holds for no X-ray."),
            ships=False,
        ),
        ModelSpec(
            key="densenet121",
            title="DenseNet121",
            summary="The network of CheXNet, on the segmented lungs; to be trained from downloaded ImageNet weights.",
            architecture="densenet121",
            classes=LABELS,
            preprocessing=Preprocessing(size=(224, 224), channels=3, region="lungs", scaling="signed"),
            explanation_layers=("relu", "pool4_relu", "pool3_relu"),
            build=_application("densenet121", len(LABELS)),
            limits=(NO_DIAGNOSIS, _FEW_SOURCES),
            ships=False,
        ),
        ModelSpec(
            key="mobilenetv2",
            title="MobileNetV2",
            summary="A small network, on the segmented lungs; to be trained from downloaded ImageNet weights.",
            architecture="mobilenetv2",
            classes=LABELS,
            preprocessing=Preprocessing(size=(224, 224), channels=3, region="lungs", scaling="signed"),
            explanation_layers=("out_relu", "block_13_expand_relu", "block_6_expand_relu"),
            build=_application("mobilenetv2", len(LABELS)),
            limits=(NO_DIAGNOSIS, _FEW_SOURCES),
            ships=False,
        ),
    )
}
"""The first row is the default model."""

SHIPPED: Final = tuple(key for key, row in MODELS.items() if row.ships)
"""Models whose weights are part of the project."""

DEFAULT_MODEL: Final = next(iter(MODELS))


def get_model(key: str, models: Mapping[str, ModelSpec] = MODELS) -> ModelSpec:
    """The spec called `key`, from `models`. Raises ModelError, naming the known ones, for an unknown key."""
    try:
        return models[key]
    except KeyError:
        raise ModelError(f"Unknown model {key!r}; known models: {', '.join(models)}.") from None
