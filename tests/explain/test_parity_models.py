"""The compiled maps equal those of tf-keras-vis on every shipped model, at every layer its card names."""

import numpy as np
import pytest
from toys import eagerly

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.methods import METHODS, keras_vis
from covid_model.explain.target import Target, resolve_target
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.read import read_image
from covid_model.models.classifier import Classifier, load
from covid_model.models.specs import SHIPPED

KEYS = {"grad_cam": "gradcam", "layer_cam": "layercam", "hires_cam": "hirescam", "grad_cam_plus_plus": "gradcampp"}
"""Of METHODS, by the reference's function."""


@pytest.fixture(scope="module", params=SHIPPED)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return load(request.param)


def drawn(classifier: Classifier) -> np.ndarray:
    return classifier.prepare(read_image(phantom_png(PHANTOMS["hazy"]))).batch


def both_ways(classifier: Classifier) -> list[Target]:
    """A difference of classes and its opposite: one's map may be zero everywhere, both only by a fault."""
    first, second = classifier.card.classes[:2]
    units = classifier.gradients.units
    pairs = (f"{first} - {second}", f"{second} - {first}")
    return [resolve_target(name, classifier.card.classes, units) for name in pairs]


def maps(classifier: Classifier, method: str, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Ours, its positive part, and the reference's, both targets together, over the reference's largest value."""
    model, batch = classifier.gradients, drawn(classifier)
    ours = np.stack([np.maximum(METHODS[KEYS[method]](model, batch, t, layer=layer), 0) for t in both_ways(classifier)])
    theirs = np.stack([getattr(keras_vis, method)(model, batch, t, layer=layer) for t in both_ways(classifier)])
    if method == "grad_cam_plus_plus":  # ours leaves out the factor exp(score)
        ours, theirs = (found / np.maximum(found.max(axis=(1, 2), keepdims=True), 1e-30) for found in (ours, theirs))
    assert theirs.max() > 0, layer
    return ours / theirs.max(), theirs / theirs.max()


@pytest.mark.parametrize("method", KEYS)
def test_compiled_class_activation_maps_at_the_default_layer(classifier: Classifier, method: str) -> None:
    ours, theirs = maps(classifier, method, classifier.card.explanation_layers[0])
    tolerance = 1e-2 if method == "grad_cam_plus_plus" else 1e-4  # the reference divides numbers that nearly cancel
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("method", KEYS)
def test_class_activation_maps_at_every_layer(classifier: Classifier, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reference's own arithmetic: a compiled graph rounds otherwise, which near a kink of ReLU shows in a cell.

    Grad-CAM++ divides float32 numbers that nearly cancel in the reference, hence its tolerance.
    """
    monkeypatch.setattr(classifier, "engines", TensorFlowBackend(classifier.network))
    with eagerly():
        for layer in classifier.card.explanation_layers:
            ours, theirs = maps(classifier, method, layer)
            tolerance = 1e-2 if method == "grad_cam_plus_plus" else 1e-5
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=layer)


def test_score_cam(classifier: Classifier) -> None:
    if classifier.gradients.units == 1:
        pytest.skip("tf-keras-vis is not valid for one unit (its issue 78)")
    layer, target = classifier.card.explanation_layers[0], both_ways(classifier)[0]
    one = resolve_target(target.name.split(" - ")[0], classifier.card.classes, classifier.gradients.units)
    theirs = keras_vis.score_cam(classifier.gradients, drawn(classifier), one, layer=layer, channels=8)
    ours = METHODS["scorecam"](classifier.gradients, drawn(classifier), one, layer=layer, channels=8)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * theirs.max())


def test_saliency(classifier: Classifier) -> None:
    """As above: near a kink of ReLU a compiled gradient is another at a few pixels, one of the same arithmetic is not."""
    target, compiled = both_ways(classifier)[0], classifier.gradients
    theirs = keras_vis.saliency(compiled, drawn(classifier), target)
    ours = METHODS["saliency"](compiled, drawn(classifier), target)
    at_kinks = classifier.key == "lungs"  # a few pixels of its drawing, with the weights that ship
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=(1e-3 if at_kinks else 1e-4) * theirs.max())
    assert (np.abs(ours - theirs) > 1e-4 * theirs.max()).mean() < 0.002
    with eagerly():
        ours = METHODS["saliency"](TensorFlowBackend(classifier.network), drawn(classifier), target)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * theirs.max())
