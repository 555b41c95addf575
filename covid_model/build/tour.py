"""Find the three images of the guided tour with the trust tests, not by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from covid_model import __version__
from covid_model.audit.record import load_record
from covid_model.audit.score import TrustInput
from covid_model.audit.trust_tests import run_tests
from covid_model.audit.verdict import verdict, withheld
from covid_model.data.synthetic_samples import Sample
from covid_model.errors import DataError
from covid_model.explain.captions import lung_share
from covid_model.explain.engine import explain
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.input_check.check import check_image
from covid_model.input_check.features import FeatureExtractor
from covid_model.models.classifier import Classifier
from covid_model.models.predict import predict
from covid_model.share.tour import STOPS, TOUR, Finding


def examine(classifier: Classifier, extractor: FeatureExtractor, sample: Sample) -> Finding | None:
    """One model on one image with every trust test; None where no verdict could be given from the start."""
    image = load_image(sample.path)
    prediction = predict(classifier, image, input_check=check_image(image, extractor))
    found = explain(classifier, prediction, method=DEFAULT_METHOD)
    inputs = TrustInput(classifier, image, prediction, found, load_record(classifier.key, classifier.weights_digest))
    if withheld(inputs) is not None:
        return None
    share = lung_share(found.heatmap, prediction.prepared.lungs.mask, prediction.prepared.model_input.seen)
    if share is None:
        return None
    scores = list(run_tests(inputs))
    judged = verdict(inputs, scores)
    return Finding(
        image=sample.name,
        label=sample.label,
        model=classifier.key,
        method=DEFAULT_METHOD,
        predicted=prediction.predicted,
        probability=prediction.probabilities[prediction.predicted],
        share=share.inside,
        chance=share.chance,
        verdict=judged.word,
        why=judged.why,
        failed=tuple(score.key for score in scores if score.outcome == "failed"),
    )


def find_tour(
    classifiers: Iterable[Classifier], extractor: FeatureExtractor, samples: Iterable[Sample]
) -> dict[str, Finding]:
    """For each stop the first finding that shows it, models in their order; each stop with an image of its own.

    Only images that show COVID-19 or pneumonia: a map for "Normal" has no finding to point at. Raises DataError where a stop
    finds no image.
    """
    shown = [sample for sample in samples if sample.label != "Normal"]
    found: dict[str, Finding] = {}
    for classifier in classifiers:
        for sample in shown:
            missing = [stop for stop in STOPS.values() if stop.key not in found]
            if not missing:
                return {key: found[key] for key in STOPS}
            if sample.name in {finding.image for finding in found.values()}:
                continue
            finding = examine(classifier, extractor, sample)
            for stop in missing if finding else ():
                if finding and stop.wanted(finding):
                    found[stop.key] = finding
                    break
    if len(found) < len(STOPS):
        raise DataError(
            f"No image shows {', '.join(key for key in STOPS if key not in found)}; draw more, or give more models."
        )
    return {key: found[key] for key in STOPS}


def write_tour(tour: Mapping[str, Finding], digests: Mapping[str, str], path: Path = TOUR) -> None:
    """The findings with their date and the digests of the models' weights, as JSON."""
    record = {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "models": dict(digests),
        "stops": {key: asdict(finding) for key, finding in tour.items()},
    }
    write_json(path, record)
