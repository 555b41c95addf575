"""The METHODS table: every way of making a heatmap, for pages, command line, docs and tests alike.

Importing it needs no TensorFlow; a method imports what it needs when it runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from covid_model.errors import ExplainError
from covid_model.explain import cam, gradients, keras_vis, perturbation
from covid_model.explain import options as opt
from covid_model.explain.options import Option


@dataclass(frozen=True)
class Method:
    """One explanation method.

    function: (backend, batch_of_one, target, *, layer, seed, progress, **options) -> (h, w) float32, raw, finite, unscaled,
    at layer size or at the size of the model's input. needs_layer: is the map taken at a layer? signed: does the map carry
    evidence against the class, as negative values? cost: seconds an image warm on two cores, order of magnitude.
    measure: (backend, batch, target, map, **options) -> numbers by name that say how well the map kept its own promise.
    class_blind: is the map the same for every class? shows, limits: what the map shows and does not show, in plain words.
    """

    key: str
    label: str
    family: str
    function: Callable[..., Any]
    signed: bool
    cost: float
    paper: str
    shows: str
    limits: str
    needs_layer: bool = True
    options: tuple[Option, ...] = ()
    measure: Callable[..., dict[str, float]] | None = None
    class_blind: bool = False


CAM: Final = "class activation"
GRADIENT: Final = "gradient"
PERTURBATION: Final = "perturbation"
SLOW: Final = 1.5
"""Methods that cost more seconds than this show a progress bar and can be cancelled."""

_RAISED: Final = "Bright areas are those whose features, taken together, raised the score of the chosen class the most."
_COARSE: Final = "The map is coarse, a few centimetres a cell."
_NO_DISEASE: Final = "It shows where the model looked, not whether it was right, and not what a disease looks like."
_PIXELS: Final = "Bright pixels are those where a tiny change of tone would change the score of the chosen class the most."
_NOISY: Final = "Gradients are noisy and follow edges; read areas, never single pixels."
_OFF_IMAGE: Final = "Images with hidden parts are unlike those the model was trained on; it may react to the hiding itself."

METHODS: Final[dict[str, Method]] = {
    row.key: row
    for row in (
        Method(
            key="gradcam",
            label="Grad-CAM",
            family=CAM,
            function=cam.grad_cam,
            signed=False,
            cost=0.03,
            paper="Selvaraju 2017, arXiv 1610.02391",
            shows=_RAISED,
            limits=f"{_COARSE} By averaging gradients it can light up places that the model did not use. {_NO_DISEASE}",
        ),
        Method(
            key="gradcampp",
            label="Grad-CAM++",
            family=CAM,
            function=cam.grad_cam_plus_plus,
            signed=False,
            cost=0.03,
            paper="Chattopadhay 2018, arXiv 1710.11063",
            shows=f"{_RAISED} Several separate areas come out more evenly than with Grad-CAM.",
            limits=f"{_COARSE} Its weights are always positive, so it tends to show all that is active. {_NO_DISEASE}",
        ),
        Method(
            key="hirescam",
            label="HiResCAM",
            family=CAM,
            function=cam.hires_cam,
            signed=True,
            cost=0.03,
            paper="Draelos & Carin 2020, arXiv 2011.08891",
            shows="Red areas raised the score of the chosen class and blue ones lowered it, as the model used them.",
            limits=f"{_COARSE} It is exact only when a single dense layer follows the chosen layer. {_NO_DISEASE}",
        ),
        Method(
            key="layercam",
            label="LayerCAM",
            family=CAM,
            function=cam.layer_cam,
            signed=False,
            cost=0.03,
            paper="Jiang 2021, doi 10.1109/TIP.2021.3089943",
            shows="Bright areas hold features that speak for the chosen class; made for earlier, finer layers.",
            limits=f"What speaks against the class is dropped before the sum, so it can overstate an area. {_NO_DISEASE}",
        ),
        Method(
            key="scorecam",
            label="Score-CAM",
            family=CAM,
            function=perturbation.score_cam,
            signed=False,
            cost=0.5,
            paper="Wang 2020, arXiv 1910.01279",
            shows="Bright areas are shared by those features that alone, with the rest of the image dimmed, give the class.",
            limits=f"{_COARSE} {_OFF_IMAGE}",
            options=(opt.CHANNELS,),
        ),
        Method(
            key="eigencam",
            label="Eigen-CAM",
            family=CAM,
            function=cam.eigen_cam,
            signed=False,
            cost=0.03,
            paper="Muhammad & Yeasin 2020, arXiv 2008.00299",
            shows="Bright areas are where the layer is active in its strongest common pattern, whatever the class.",
            limits=f"{_COARSE} It is the same for every class, so it explains no decision; it shows what the layer sees.",
            class_blind=True,
        ),
        Method(
            key="saliency",
            label="Saliency",
            family=GRADIENT,
            function=gradients.saliency,
            signed=False,
            cost=0.05,
            paper="Simonyan 2014, arXiv 1312.6034",
            shows=_PIXELS,
            limits=f"{_NOISY} It says what the score is sensitive to, not what it rests on.",
            needs_layer=False,
        ),
        Method(
            key="smoothgrad",
            label="SmoothGrad",
            family=GRADIENT,
            function=gradients.smooth_grad,
            signed=False,
            cost=0.5,
            paper="Smilkov 2017, arXiv 1706.03825",
            shows=f"{_PIXELS} Averaged over noisy copies of the image.",
            limits=f"{_NOISY} It says what the score is sensitive to, not what it rests on.",
            needs_layer=False,
            options=(opt.SAMPLES, opt.NOISE),
        ),
        Method(
            key="inputxgradient",
            label="Input x Gradient",
            family=GRADIENT,
            function=gradients.input_x_gradient,
            signed=True,
            cost=0.05,
            paper="Shrikumar 2017, arXiv 1605.01713",
            shows="Red pixels speak for the chosen class and blue ones against it, to first order, beside the baseline.",
            limits=f"{_NOISY} Dark pixels count for little with a dark baseline, whatever they mean.",
            needs_layer=False,
            options=(opt.baseline("darkest"),),
        ),
        Method(
            key="integratedgradients",
            label="Integrated Gradients",
            family=GRADIENT,
            function=gradients.integrated_gradients,
            signed=True,
            cost=0.7,
            paper="Sundararajan 2017, arXiv 1703.01365",
            shows="Red pixels raised the score on the way from baseline to image, blue ones lowered it; they add up.",
            limits=f"{_NOISY} The choice of baseline decides what counts as evidence.",
            needs_layer=False,
            options=(opt.STEPS, opt.baseline("darkest")),
            measure=gradients.completeness_error,
        ),
        Method(
            key="occlusion",
            label="Occlusion",
            family=PERTURBATION,
            function=perturbation.occlusion,
            signed=True,
            cost=2.0,
            paper="Zeiler & Fergus 2014, arXiv 1311.2901",
            shows="Hiding a red area lowers the score of the chosen class, hiding a blue one raises it.",
            limits=f"Evidence that stands in two places can hide: either suffices, and neither shows. {_OFF_IMAGE}",
            needs_layer=False,
            options=(opt.PATCH, opt.OVERLAP, opt.baseline("blurred")),
        ),
        Method(
            key="rise",
            label="RISE",
            family=PERTURBATION,
            function=perturbation.rise,
            signed=True,
            cost=5.0,
            paper="Petsiuk 2018, arXiv 1806.07421",
            shows="Over many random masks, the score was higher when red areas were visible and lower when blue ones were.",
            limits=f"The map is an average of chance and calms down slowly with more masks. {_OFF_IMAGE}",
            needs_layer=False,
            options=(opt.MASKS, opt.CELLS, opt.KEEP, opt.baseline("blurred")),
        ),
        Method(
            key="gradcam-tkv",
            label="Grad-CAM (tf-keras-vis)",
            family=CAM,
            function=keras_vis.grad_cam,
            signed=False,
            cost=1.0,
            paper="Selvaraju 2017, arXiv 1610.02391",
            shows=_RAISED,
            limits=f"{_COARSE} Computed by the library tf-keras-vis: the same map as Grad-CAM, many times slower.",
        ),
    )
}

DEFAULT_METHOD: Final = next(iter(METHODS))


def get_method(key: str) -> Method:
    """The row of METHODS called `key`; ExplainError names the known ones."""
    try:
        return METHODS[key]
    except KeyError:
        raise ExplainError(f"Unknown method {key!r}; known methods: {', '.join(METHODS)}.") from None
