"""Find the images of the guided tour among the synthetic ones."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.data.synthetic_samples import SyntheticSample
from covid_model.errors import DataError
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.share.tour import STOPS, TOUR, TourExample
from covid_model.trust.verdict import withheld

NOT_THE_LUNGS: Final = {"survival", "region_ablation"}
"""Tests that say that an answer rests on something other than what the lungs show."""
SHOWS: Final[dict[str, Callable[[TourExample], bool]]] = {
    "right": lambda found: found.right and found.verdict == "supported",
    "wrong reason": lambda found: found.right and not NOT_THE_LUNGS.isdisjoint(found.failed),
    "wrong": lambda found: not found.right,
}
"""For each stop: does an example show it?"""


def examine(model: Model, sample: SyntheticSample) -> TourExample | None:
    """One model on one image with every trust test; None where the verdict is withheld before any test."""
    result = model.explain(load_image(sample.path), force=True)
    prediction = result.prediction
    if withheld(result.inputs) is not None:
        return None
    share = result.lung_share
    if share is None:
        return None
    judged = result.verdict()
    return TourExample(
        image=sample.name,
        label=sample.label,
        model=model.key,
        method=DEFAULT_METHOD,
        predicted=prediction.predicted,
        probability=prediction.probabilities[prediction.predicted],
        share=share.inside,
        chance=share.chance,
        verdict=judged.word,
        why=judged.why,
        failed=tuple(score.key for score in result.trust_scores() if score.outcome == "failed" or score.doubt),
    )


def find_tour(models: Iterable[Model], samples: Iterable[SyntheticSample]) -> dict[str, TourExample]:
    """For each stop the first example that shows it, models in their order; each stop has a different image.

    Only images drawn as COVID-19 or pneumonia are used, since a map for "Normal" has no finding to point at.
    Raises DataError where no image fits a stop.
    """
    shown = [sample for sample in samples if sample.label != "Normal"]
    found: dict[str, TourExample] = {}
    for model in models:
        for sample in shown:
            missing = [stop for stop in STOPS if stop not in found]
            if not missing:
                return {stop: found[stop] for stop in STOPS}
            if sample.name in {example.image for example in found.values()}:
                continue
            example = examine(model, sample)
            for stop in missing if example else ():
                if example and SHOWS[stop](example):
                    found[stop] = example
                    break
    if len(found) < len(STOPS):
        raise DataError(
            f"No image shows {', '.join(key for key in STOPS if key not in found)}; draw more, or give more models."
        )
    return {stop: found[stop] for stop in STOPS}


def write_tour(tour: Mapping[str, TourExample], digests: Mapping[str, str], path: Path = TOUR) -> None:
    """Write the examples, their date and the digests of the models' weights as JSON."""
    record = {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "models": dict(digests),
        "stops": {key: asdict(example) for key, example in tour.items()},
    }
    write_json(path, record)
