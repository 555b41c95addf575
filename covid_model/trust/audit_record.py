"""The audit record of a model, measured on many images; trust tests read their pass lines from it."""

import json
from pathlib import Path
from typing import Any

from covid_model.models.user_models import folder_of

AuditRecord = dict[str, Any]


def load_audit_record(model: str, digest: str, folder: Path | None = None) -> AuditRecord:
    """The record of a model, from `folder` or from where its weights are; empty where there is none for these weights.

    digest: sha256 hex of the weights.
    """
    path = (folder or folder_of(model)) / f"{model}.audit.json"
    found: AuditRecord = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.get("weights_sha256") == digest else {}
