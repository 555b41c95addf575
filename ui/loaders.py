"""Models loaded once for all sessions, and results cached by their inputs."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.backends.base import Progress, silent
from covid_model.explain.class_visualisation import visualise_class
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.explain.options import Setting
from covid_model.explain.target import resolve_target
from covid_model.images.read import read_image
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import InputCheckResult, check_image
from covid_model.lungs.segment import LungMask, LungSegmenter
from covid_model.models.classifier import load
from covid_model.models.predict import Prediction, predict
from covid_model.trust.figures import Figure
from covid_model.trust.precomputed import precomputed_scores
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS, figures_of
from ui.background import background, session
from ui.keras_session import keep_keras_session
from ui.models.cards import card_of
from ui.results import CANCELLED, results, run_with_progress
from ui.small_records import with_small_record
from ui.tensorflow_start import wait_for_tensorflow
from ui.uploads import uploads


@st.cache_resource(show_spinner="Loading the lung network …")
def segmenter() -> LungSegmenter:
    """The lung network, shared by all models and sessions; it has its own lock."""
    keep_keras_session()
    return LungSegmenter.load()


@st.cache_resource(max_entries=4, show_spinner="Loading the model …")
def _loaded(key: str, digest: str) -> Model:
    return Model(load(key, segmenter()))


def loaded_model(key: str) -> Model:
    """An available model, shared by all sessions until its weights change."""
    return _loaded(key, card_of(key).weights_sha256)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """The bytes of a file and their digest, which every run of a page asks for but only the first computes."""

    data: bytes
    digest: str

    @classmethod
    def of(cls, data: bytes) -> "ImageFile":
        """A file with these bytes."""
        return cls(data, sha256(data).hexdigest())


@st.cache_resource(
    max_entries=4, ttl=timedelta(minutes=30), show_spinner=False, hash_funcs={ImageFile: lambda file: file.digest}
)
def image_from(file: ImageFile, _visitor: str | None = None) -> XrayImage:
    """The image in a file, shared by all sessions: its pixels are read-only. Raises ImageError for a bad file.

    _visitor: who uploaded it, None for an image of this server; a public copy takes so many a minute, then raises HostError.
    """
    if _visitor is not None:
        uploads().admit(_visitor, file.digest)
    return read_image(file.data)


def _checked(image: XrayImage) -> tuple[InputCheckResult, LungMask]:
    """Input check and lungs of an image, from one forward pass of the lung network; cached by its digest."""

    def make() -> tuple[InputCheckResult, LungMask]:
        outputs = segmenter().run(image.pixels)
        return check_image(image, outputs), outputs.lungs

    return results().get_or_make(("checked", image.digest), make)


def input_check(image: XrayImage) -> InputCheckResult:
    """The input check's result for the image; cached by its digest."""
    return _checked(image)[0]


def cached_prediction(model: str, image: XrayImage) -> Prediction:
    """The model's prediction for the image, even if the input check refuses it; cached by image digest and model."""

    def make() -> Prediction:
        checked, lungs = _checked(image)
        return predict(loaded_model(model).classifier, image, lungs, checked)

    return results().get_or_make(("prediction", card_of(model).weights_sha256, image.digest), make)


@dataclass(frozen=True)
class HowToExplain:
    """Method, class (a name or a difference), layer, and the method's settings as (name, value) pairs."""

    method: str
    target: str
    layer: str
    options: tuple[tuple[str, Setting], ...] = ()


def _result_key(model: str, image: XrayImage, how: HowToExplain) -> tuple[Hashable, ...]:
    return ("result", card_of(model).weights_sha256, image.digest, how)


def keeps_waiting(model: str, image: XrayImage, how: HowToExplain) -> bool:
    """Would the visitor wait for this heatmap? It is slow, not made yet, and not cancelled."""
    key = _result_key(model, image, how)
    return get_method(how.method).slow and key not in results() and key not in st.session_state.get(CANCELLED, ())


def cached_result(
    model: str, image: XrayImage, how: HowToExplain, lesions: NDArray[np.bool_] | None = None
) -> Result | None:
    """One heatmap, cached by image digest and choices. Slow methods show their progress; None when cancelled."""

    def make(progress: Progress) -> Result:
        return loaded_model(model).explain(
            image,
            how.method,
            how.target,
            layer=how.layer if get_method(how.method).needs_layer else None,
            prediction=cached_prediction(model, image),
            lesions=lesions,
            options=dict(how.options),
            progress=progress,
        )

    key, row = _result_key(model, image, how), get_method(how.method)
    if key not in results() and row.needs_gradients(loaded_model(model).classifier, how.layer):
        wait_for_tensorflow()
    made = run_with_progress(key, row.label, make) if row.slow else results().get_or_make(key, lambda: make(silent))
    return made and with_small_record(made)


def made_from(found: Explanation) -> tuple[Hashable, ...]:
    """What tells a heatmap from others, for keys of what is cached of it."""
    return (found.model_digest, found.image_digest, found.method, found.target, found.layer, *found.options.items())


def _trust_key(inputs: TrustInput, test: str) -> tuple[Hashable, ...]:
    return ("trust", test, made_from(inputs.explanation), inputs.measured.get("date"))


def scores_so_far(inputs: TrustInput) -> dict[str, TrustScore]:
    """The trust scores available so far, by test, in the table's order: those that ran here, and those that ship."""
    store, found = results(), {}
    shipped = precomputed_scores(inputs) if inputs.measured == loaded_model(inputs.explanation.model).audit_record else {}
    for test in TRUST_TESTS:
        score = store.get(_trust_key(inputs, test)) or shipped.get(test)
        if isinstance(score, TrustScore):
            found[test] = score
    return found


def with_scores(result: Result) -> Result:
    """The result with its trust scores if all tests have run, otherwise with none: a verdict needs all."""
    found = scores_so_far(result.inputs)
    return replace(result, scores=found if len(found) == len(TRUST_TESTS) else {})


def trust_figures(inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
    """A test's figures, cached: some draw the image again."""
    key = ("figures", *_trust_key(inputs, score.key))
    return results().get_or_make(key, lambda: figures_of(inputs, score))


def run_tests_in_background(inputs: TrustInput) -> BaseException | None:
    """Run and cache the missing trust tests of a heatmap in the background; returns the exception if one failed."""
    store = results()

    def step(test: str) -> Callable[[Progress], object]:
        def run(progress: Progress) -> object:
            watched = replace(inputs, progress=progress)
            return store.get_or_make(_trust_key(inputs, test), lambda: TRUST_TESTS[test].run(watched))

        return run

    known = scores_so_far(inputs)
    missing = [step(test) for test in TRUST_TESTS if test not in known]
    return background().want(session(), _trust_key(inputs, "all"), missing)


def class_visualisation(model: str, target: str) -> NDArray[np.float32] | None:
    """The image that maximises a class's score, (H, W) float32 in [0, 1]; None while cancelled."""
    loaded = loaded_model(model).classifier

    def make(progress: Progress) -> NDArray[np.float32]:
        chosen = resolve_target(target, loaded.card.classes, loaded.forward.units, loaded.card.head)
        return visualise_class(loaded.network, chosen, loaded.card.preprocessing.value_range, progress=progress)

    return run_with_progress(("class_visualisation", loaded.weights_digest, target), "Class visualisation", make)
