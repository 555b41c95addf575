"""One view as plain values: prediction, explanation, trust scores and verdict, with what is needed to make it again."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from covid_model.audit.score import Case, TrustScore
from covid_model.audit.verdict import RULE, verdict, withheld
from covid_model.predict import Prediction


def view_record(case: Case, scores: Sequence[TrustScore] = ()) -> dict[str, Any]:
    """Everything but the pictures, as JSON values. Holds no file name: an upload's name may name a person."""
    record: dict[str, Any] = {
        "explanation": case.explanation.record(),
        "predicted": case.answer.predicted,
        "gate": asdict(case.answer.ruling) if case.answer.ruling else None,
        "lungs": {"quality": case.answer.prepared.lungs.quality, "area": case.answer.prepared.lungs.area},
        "warnings": list(case.answer.warnings),
    }
    if scores or withheld(case):
        found = verdict(case, scores)
        record["trust"] = {"verdict": asdict(found), "rule": RULE, "scores": [asdict(score) for score in scores]}
    return record


def view_json(case: Case, scores: Sequence[TrustScore] = ()) -> str:
    """`view_record` as text."""
    return json.dumps(view_record(case, scores), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def base_row(answer: Prediction, file: str) -> dict[str, Any]:
    """The columns of a film that no method changes."""
    return {
        "file": file,
        "film": answer.film_digest,
        "model": answer.model,
        "model_digest": answer.weights_digest,
        "predicted": answer.predicted,
        **{f"probability/{name}": value for name, value in answer.probabilities.items()},
        "lungs": answer.prepared.lungs.quality,
        "gate": answer.ruling.kind if answer.ruling else None,
    }


def method_row(case: Case, scores: Sequence[TrustScore], record: str, *, trust: bool) -> dict[str, Any]:
    """The columns of one method: where its record is, and with `trust` the verdict, values and outcomes of the tests."""
    found = case.explanation
    row: dict[str, Any] = {"record": record, "target": found.target, "layer": found.layer, "seconds": found.seconds}
    if trust:
        row["verdict"] = verdict(case, scores).word
    for score in scores:
        row |= {f"trust/{score.key}": score.value, f"trust/{score.key}/outcome": score.outcome}
    return {f"{found.method}/{name}": value for name, value in row.items()}
