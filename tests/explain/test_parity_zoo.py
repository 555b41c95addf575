"""The compiled maps equal those of tf-keras-vis on every shipped model, at every layer its card names."""

import numpy as np
import pytest

from covid_model.explain import cam, gradients, perturbation, reference
from covid_model.explain.target import Target, resolve_target
from covid_model.films.phantom import PHANTOMS, phantom_png
from covid_model.films.read import read_film
from covid_model.zoo import MODELS, Classifier, load

TOLERANCE = {"grad_cam_plus_plus": 1e-3}
"""1e-4 of the largest value, but for Grad-CAM++: the reference divides small float32 numbers that nearly cancel."""


@pytest.fixture(scope="module", params=MODELS)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return load(request.param)


def drawn(classifier: Classifier) -> np.ndarray:
    return classifier.prepare(read_film(phantom_png(PHANTOMS["hazy"]))).batch


def both_ways(classifier: Classifier) -> list[Target]:
    """A difference of classes and its opposite: one's map may be zero everywhere, both only by a fault."""
    first, second = classifier.card.classes[:2]
    units = classifier.network.output_shape[-1]
    pairs = (f"{first} - {second}", f"{second} - {first}")
    return [resolve_target(name, classifier.card.classes, units) for name in pairs]


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam", "hires_cam", "grad_cam_plus_plus"])
def test_class_activation_maps(classifier: Classifier, method: str) -> None:
    model, batch = classifier.network, drawn(classifier)
    for layer in classifier.card.explanation_layers:
        ours = [np.maximum(getattr(cam, method)(model, batch, t, layer=layer), 0) for t in both_ways(classifier)]
        theirs = [getattr(reference, method)(model, batch, t, layer=layer) for t in both_ways(classifier)]
        assert max(found.max() for found in theirs) > 0, layer
        if method == "grad_cam_plus_plus":  # ours leaves out the factor exp(score)
            ours, theirs = ([found / max(found.max(), 1e-30) for found in maps] for maps in (ours, theirs))
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                one, other, rtol=0, atol=TOLERANCE.get(method, 1e-4) * max(m.max() for m in theirs), err_msg=layer
            )


def test_score_cam(classifier: Classifier) -> None:
    if classifier.network.output_shape[-1] == 1:
        pytest.skip("tf-keras-vis is not valid for one unit (its issue 78)")
    layer, target = classifier.card.explanation_layers[0], both_ways(classifier)[0]
    one = resolve_target(target.name.split(" - ")[0], classifier.card.classes, classifier.network.output_shape[-1])
    theirs = reference.score_cam(classifier.network, drawn(classifier), one, layer=layer, channels=8)
    ours = perturbation.score_cam(classifier.network, drawn(classifier), one, layer=layer, channels=8)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * theirs.max())


def test_saliency(classifier: Classifier) -> None:
    target = both_ways(classifier)[0]
    theirs = reference.saliency(classifier.network, drawn(classifier), target)
    ours = gradients.saliency(classifier.network, drawn(classifier), target)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * theirs.max())
