"""Write the trust scores that ship, so that nobody waits for the first verdict on a synthetic image."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.data.synthetic_samples import SyntheticSample
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.trust.precomputed import SCORES, made_from, scores_path
from covid_model.trust.verdict import withheld


def write_scores(model: Model, samples: Iterable[SyntheticSample], folder: Path = SCORES) -> Path | None:
    """Run every trust test of the default method for the predicted class of each image; returns the file's path.

    Images on which the verdict is withheld before any test are left out; where it is on all, there is no file.
    """
    rows = [row for sample in samples if (row := _row(model, sample)) is not None]
    path = scores_path(model.key, folder)
    if not rows:
        path.unlink(missing_ok=True)
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    made = made_from(model.key, model.classifier.weights_digest)
    date = datetime.now(UTC).isoformat("T", "seconds")
    write_json(path, {"version": __version__, "date": date, "made_from": made, "heatmaps": rows}, indent=None)
    return path


def _row(model: Model, sample: SyntheticSample) -> dict[str, Any] | None:
    result = model.explain(load_image(sample.path), force=True)
    if withheld(result.inputs) is not None:
        return None
    found = result.explanation
    return {
        "image": found.image_digest,
        "method": found.method,
        "target": found.target,
        "layer": found.layer,
        "options": found.options,
        "scores": [asdict(score) for score in result.trust_scores()],
    }
