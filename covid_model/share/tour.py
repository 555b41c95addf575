"""The guided tour: three synthetic images that show why a heatmap must be tested. `build.tour_search` finds them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.settings import ASSETS

TOUR: Final = ASSETS / "tour.json"


@dataclass(frozen=True)
class TourExample:
    """One model on one image. share: of the heatmap that lies in the lungs; chance: the lungs' share of what the model saw.
    verdict, why: on the heatmap; failed: keys of the tests it failed. image: the sample's name; label: as what it was drawn.
    """

    image: str
    label: str
    model: str
    method: str
    predicted: str
    probability: float
    share: float
    chance: float
    verdict: str
    why: str
    failed: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Did the model take the image for what it was drawn as?"""
        return self.predicted == self.label


@dataclass(frozen=True)
class Stop:
    """One stop of the tour. text: what a presenter may say, filled with the fields of the example."""

    key: str
    title: str
    text: str


STOPS: Final = {
    stop.key: stop
    for stop in (
        Stop(
            "right",
            "Right, and for a reason one may believe",
            "The model calls this {label}-like image {predicted} ({probability:.0%}). {share:.0%} of its heatmap lies in "
            "the lungs, which are {chance:.0%} of what it saw, and the tests find nothing against the map.",
        ),
        Stop(
            "wrong reason",
            "Right, but for a reason nobody should believe",
            "Here the model says {predicted} ({probability:.0%}), and that is what the image was drawn as. An app that "
            "stops here has convinced its user. The tests have not been convinced: {why}",
        ),
        Stop(
            "wrong",
            "Wrong, with a heatmap as pretty as the others",
            "This image was drawn as {label}; the model says {predicted} ({probability:.0%}). The rainbow looks no less "
            "convincing: a heatmap shows what a model used, not whether it is right.",
        ),
    )
}


def read_tour(path: Path = TOUR) -> tuple[dict[str, TourExample], str]:
    """The examples by stop, and the day they were found."""
    record = json.loads(path.read_text("utf-8"))
    found = {key: TourExample(**{**cells, "failed": tuple(cells["failed"])}) for key, cells in record["stops"].items()}
    return found, record["date"][:10]
