"""Toy classifiers whose evidence is known, and images that hold it."""

from dataclasses import asdict

import keras
import numpy as np
from keras import layers

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.engine import explain
from covid_model.images.preprocess import Preprocessing
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask, LungOutputs, LungSegmenter
from covid_model.models.card import Card
from covid_model.models.classifier import Classifier
from covid_model.models.predict import predict
from covid_model.trust.matched_edits import describe
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS

CLASSES = ("COVID-19", "Pneumonia", "Normal")
SIDE, IMAGE = 32, 128
PAIRS = {"ssim": 0.5, "rank": 0.4, "change": 0.8, "count": 50}
METHODS_MEASURED = ("gradcam", "hirescam", "layercam", "saliency", "edges")


def lung_area(side: int) -> np.ndarray:
    """Two upright rectangles."""
    mask = np.zeros((side, side), bool)
    for left in (0.15, 0.6):
        mask[round(0.2 * side) : round(0.8 * side), round(left * side) : round((left + 0.25) * side)] = True
    return mask


def corner(side: int) -> np.ndarray:
    """Where a marker stands."""
    mask = np.zeros((side, side), bool)
    mask[: side // 8, -side // 8 :] = True
    return mask


class FixedLungs:
    """A segmenter that finds the same lungs on every image."""

    def __init__(self, mask: np.ndarray, quality: str = "good") -> None:
        self.found = LungMask(mask, quality, (), float(mask.mean()), 1.0)  # type: ignore[arg-type]

    def find(self, pixels: np.ndarray) -> LungMask:
        return self.found

    def run(self, pixels: np.ndarray) -> LungOutputs:
        """What the shipped network gives, but for the lungs."""
        outputs = LungSegmenter.load().run(pixels)
        vars(outputs)["lungs"] = self.find(pixels)
        return outputs


def classifier_on(area: np.ndarray, *, strength: float = 12.0, quality: str = "good", key: str = "toy") -> Classifier:
    """COVID-19 by how bright `area` (SIDE, SIDE) is, nothing else: 1x1 convolution, flatten, dense."""
    image = keras.Input((SIDE, SIDE, 1), name="image")
    x = layers.Conv2D(2, 1, use_bias=False, name="conv")(image)
    model = keras.Model(image, layers.Dense(3, name="logits")(layers.Flatten(name="flat")(x)))
    kernel = np.zeros((SIDE, SIDE, 2, 3), np.float32)
    kernel[area, 0, 0] = strength / area.sum()
    model.get_layer("conv").set_weights([np.array([[[[1.0, 0.3]]]], np.float32)])
    model.get_layer("logits").set_weights([kernel.reshape(-1, 3), np.array([-strength / 2, 0, 0.5], np.float32)])
    card = Card(
        key=key,
        title="Toy",
        summary="Sees one area.",
        architecture="toy",
        classes=CLASSES,
        preprocessing=Preprocessing(size=(SIDE, SIDE), channels=1, scaling="unit"),
        explanation_layers=("conv",),
        temperature=1.0,
        thresholds={},
        training={},
        weights_sha256="1" * 64,
        date="2026-01-01",
        version="0",
        limits=("Research only, never a diagnosis.",),
    )
    return Classifier(key, card, TensorFlowBackend(model), "1" * 64, FixedLungs(lung_area(IMAGE), quality))  # type: ignore[arg-type]


def image_with(bright: np.ndarray, *, background: float = 0.2, seed: int = 0) -> XrayImage:
    """A faintly noisy image (IMAGE, IMAGE), bright where the mask says."""
    rng = np.random.default_rng(seed)
    pixels = background + 0.02 * rng.random((IMAGE, IMAGE))
    pixels[bright] = 0.9
    return XrayImage(np.clip(pixels, 0, 1).astype(np.float32), f"{seed:064x}", "png")


def trust_input_of(
    classifier: Classifier, image: XrayImage, *, method: str = "hirescam", target: str = "COVID-19"
) -> TrustInput:
    """The heatmap of an image, ready for the tests, with pairs measured beforehand; such an image counts as usual."""
    prediction = predict(classifier, image)
    usual = asdict(describe(image.pixels, prediction.prepared.lungs.mask))
    measured = {"methods": {name: {"pairs": PAIRS} for name in METHODS_MEASURED}, "usual": usual}
    return TrustInput(classifier, image, prediction, explain(classifier, prediction, method=method, target=target), measured)


def lung_trust_input(method: str = "hirescam") -> TrustInput:
    """A model that uses the lungs, on an image with bright lungs."""
    return trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)), method=method)


def marker_trust_input(method: str = "hirescam") -> TrustInput:
    """A model that uses a marker in the corner, on an image that has one."""
    return trust_input_of(classifier_on(corner(SIDE)), image_with(corner(IMAGE) | lung_area(IMAGE)), method=method)


def run(key: str, inputs: TrustInput) -> TrustScore:
    """The score of one trust test."""
    return TRUST_TESTS[key].run(inputs)
