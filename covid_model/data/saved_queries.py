"""Queries of the Dataset page saved under a name, beside the manifest they belong to."""

import json
from pathlib import Path

from covid_model.errors import DataError
from covid_model.files import write_json
from covid_model.settings import require_own_host

SavedQueries = dict[str, dict[str, str]]


def saved_queries_path(manifest: Path) -> Path:
    """The file of a manifest's saved queries.

    >>> saved_queries_path(Path("manifest.parquet")).name
    'manifest.queries.json'
    """
    return manifest.with_suffix(".queries.json")


def read_saved_queries(manifest: Path) -> SavedQueries:
    """Name -> address parameters; empty where there are none or the file is damaged."""
    try:
        found = json.loads(saved_queries_path(manifest).read_text("utf-8"))
        return {str(name): {str(k): str(v) for k, v in params.items()} for name, params in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_saved_queries(manifest: Path, queries: SavedQueries) -> None:
    """Write `queries`. Raises DataError where the file cannot be written, HostError on a public copy."""
    require_own_host("Saving a query")
    try:
        write_json(saved_queries_path(manifest), queries)
    except OSError as error:
        raise DataError(f"The queries cannot be saved beside {manifest}: {error.strerror}.") from error
