"""One view as plain values: prediction, explanation, trust scores and verdict, with what is needed to make it again."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from covid_model.audit.score import TrustInput, TrustScore
from covid_model.audit.verdict import RULE, verdict, withheld
from covid_model.models.predict import Prediction


def view_record(inputs: TrustInput, scores: Sequence[TrustScore] = ()) -> dict[str, Any]:
    """Everything but the pictures, as JSON values. Holds no file name: an upload's name may name a person."""
    record: dict[str, Any] = {
        "explanation": inputs.explanation.record(),
        "predicted": inputs.prediction.predicted,
        "input_check": asdict(inputs.prediction.input_check) if inputs.prediction.input_check else None,
        "lungs": {"quality": inputs.prediction.prepared.lungs.quality, "area": inputs.prediction.prepared.lungs.area},
        "warnings": list(inputs.prediction.warnings),
    }
    if scores or withheld(inputs):
        found = verdict(inputs, scores)
        record["trust"] = {"verdict": asdict(found), "rule": RULE, "scores": [asdict(score) for score in scores]}
    return record


def view_json(inputs: TrustInput, scores: Sequence[TrustScore] = ()) -> str:
    """`view_record` as text."""
    return json.dumps(view_record(inputs, scores), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def base_row(prediction: Prediction, file: str) -> dict[str, Any]:
    """The columns of an image that no method changes."""
    return {
        "file": file,
        "image": prediction.image_digest,
        "model": prediction.model,
        "model_digest": prediction.weights_digest,
        "predicted": prediction.predicted,
        **{f"probability/{name}": value for name, value in prediction.probabilities.items()},
        "lungs": prediction.prepared.lungs.quality,
        "input_check": prediction.input_check.kind if prediction.input_check else None,
    }


def method_row(inputs: TrustInput, scores: Sequence[TrustScore], record: str, *, trust: bool) -> dict[str, Any]:
    """The columns of one method: where its record is, and with `trust` the verdict, values and outcomes of the tests."""
    found = inputs.explanation
    row: dict[str, Any] = {"record": record, "target": found.target, "layer": found.layer, "seconds": found.seconds}
    if trust:
        row["verdict"] = verdict(inputs, scores).word
    for score in scores:
        row |= {f"trust/{score.key}": score.value, f"trust/{score.key}/outcome": score.outcome}
    return {f"{found.method}/{name}": value for name, value in row.items()}
