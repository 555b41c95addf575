"""The guided tour: three synthetic images that show why heatmaps must be tested. `build.tour_search` finds them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.settings import ASSETS
from covid_model.trust.verdict import Word

TOUR: Final = ASSETS / "tour.json"


@dataclass(frozen=True)
class TourExample:
    """One model on one image. share: of the heatmap inside the lungs; chance: the lungs' share of what the model saw.
    verdict, why: on the heatmap; failed: keys of the tests it failed, or that leave a doubt. image: name of the sample;
    label: the class it was generated for.
    """

    image: str
    label: str
    model: str
    method: str
    predicted: str
    probability: float
    share: float
    chance: float
    verdict: Word
    why: str
    failed: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Did the model predict the class that the image was generated for?"""
        return self.predicted == self.label


@dataclass(frozen=True)
class Stop:
    """One stop of the tour. text: for the presenter, with the fields of the example in braces."""

    key: str
    title: str
    text: str


STOPS: Final = {
    stop.key: stop
    for stop in (
        Stop(
            "right",
            "Right, for a plausible reason",
            "The model predicts {predicted} ({probability:.0%}) for this image, which was drawn as {label}. {share:.0%} of "
            "its heatmap is in the lungs, which are {chance:.0%} of what it saw. {why}",
        ),
        Stop(
            "wrong reason",
            "Right, but perhaps not because of the lungs",
            "The model predicts {predicted} ({probability:.0%}), which is what the image was drawn as. An app that stops "
            "here has convinced its user, but the tests do not support the heatmap: {why}",
        ),
        Stop(
            "wrong",
            "Wrong, with a heatmap all the same",
            "This image was drawn as {label}, and the model predicts {predicted} ({probability:.0%}). A heatmap shows what "
            "a model used, not whether it is right. The tests say of this one: {why}",
        ),
    )
}


def read_tour(path: Path = TOUR) -> tuple[dict[str, TourExample], str]:
    """The examples by stop, and the date on which they were found (ISO 8601)."""
    record = json.loads(path.read_text("utf-8"))
    found = {key: TourExample(**{**cells, "failed": tuple(cells["failed"])}) for key, cells in record["stops"].items()}
    return found, record["date"][:10]
