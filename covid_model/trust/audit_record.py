"""What an audit over many images found about one model: the trust tests take their lines from it."""

import json
from pathlib import Path
from typing import Any

from covid_model.models.user_models import folder_of

AuditRecord = dict[str, Any]


def load_audit_record(model: str, digest: str, folder: Path | None = None) -> AuditRecord:
    """The record beside a model; empty where there is none, or one for other weights."""
    path = (folder or folder_of(model)) / f"{model}.audit.json"
    found: AuditRecord = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.get("weights_sha256") == digest else {}
