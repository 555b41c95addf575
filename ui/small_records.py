"""Pass lines of models without an audit record, measured while somebody waits; in this server's memory, never written."""

from collections.abc import Hashable
from dataclasses import replace

import streamlit as st

from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.backends.base import Progress
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.images.read import load_image
from covid_model.trust.audit_record import AuditRecord
from ui.background import background, session
from ui.results import results


@st.cache_resource
def _shares() -> dict[Hashable, float]:
    """How far each measurement is, by its key."""
    return {}


def record_key(digest: str, method: str) -> Hashable:
    """Of the record of a model, by the digest of its weights, and a method."""
    return ("small record", digest, method)


def with_small_record(result: Result) -> Result:
    """The result with pass lines measured here where the model's audit record has none of its method."""
    inputs = result.inputs
    found = results().get(record_key(inputs.explanation.model_digest, inputs.explanation.method))
    if inputs.known_of_method or not isinstance(found, dict):
        return result
    measured: AuditRecord = {**found, **inputs.measured, "date": found["date"]}
    measured["methods"] = {**inputs.measured.get("methods", {}), **found["methods"]}
    return replace(result, inputs=replace(inputs, measured=measured))


def is_measured(key: Hashable) -> bool:
    """Is the record there?"""
    return key in results()


def measure_in_background(model: Model, method: str) -> float | BaseException:
    """Say that this session waits for a record; returns the share that is done, or the exception that ended it.

    The images are the synthetic ones that ship.
    """
    key, store, shares = record_key(model.classifier.weights_digest, method), results(), _shares()

    def measure(progress: Progress) -> object:
        from covid_model.audit.small_record import small_record  # pandas

        def watched(share: float) -> None:
            shares[key] = share
            progress(share)

        images = [load_image(sample.path) for sample in shipped_samples().values()]
        try:
            return store.get_or_make(key, lambda: small_record(model, method, images, progress=watched))
        finally:
            shares.pop(key, None)

    fault = background().want(session(), key, [measure])
    return shares.get(key, 0.0) if fault is None else fault
