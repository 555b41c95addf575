"""The gate: by hand on made-up numbers, and the shipped one on films, pictures made of them, and what else people upload."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from covid_model.errors import FilmError
from covid_model.films.film import Film
from covid_model.films.phantom import PHANTOMS, draw_phantom
from covid_model.films.read import load_film
from covid_model.gate.drawings import draw_nothing
from covid_model.gate.fit import Sample, fit_gate, refusals, write_gate
from covid_model.gate.impostors import IMPOSTORS, Impostor, cropped
from covid_model.gate.judge import CARD, FRONTAL, REASONS, Gate, admit, read_gate, rule_on, shipped_gate
from covid_model.gate.measures import Measurer
from covid_model.lungs.segment import LungSegmenter
from covid_model.synthetic.samples import Sample as Drawn
from covid_model.synthetic.samples import shipped_samples

Pixels = NDArray[np.float32]


@pytest.fixture(scope="module")
def measurer() -> Measurer:
    return Measurer(LungSegmenter.load())


def film(pixels: Pixels, view: str | None = None) -> Film:
    return Film(pixels, "0" * 64, "png", view=view)


def phantom() -> Pixels:
    return draw_phantom(PHANTOMS["hazy"]).astype(np.float32) / np.float32(255)


def test_probabilities_and_threshold_by_hand() -> None:
    """Two measures, three columns, two of which share a kind: softmax of (2, 1, 1) shifted by nothing."""
    gate = Gate(
        (FRONTAL, "turned", "turned"),
        np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
        np.zeros(3),
        centre=np.zeros(2),
        spread=np.ones(2),
        threshold=0.5,
    )
    found = gate.probabilities(np.array([1.0, 1.0], np.float32))
    frontal = np.e**2 / (np.e**2 + 2 * np.e)
    assert found[FRONTAL] == pytest.approx(frontal)
    assert found["turned"] == pytest.approx(1 - frontal)
    assert gate.rule(np.array([1.0, 1.0], np.float32)).accepted
    refused = gate.rule(np.array([0.0, 1.0], np.float32))
    assert (refused.accepted, refused.kind, refused.reason) == (False, "turned", REASONS["turned"])


def planted(rng: np.random.Generator, count: int) -> Sample:
    """Frontal films at +2 on the first measure, turned ones at -2, inverted ones at +2 on the second."""
    names = np.array([FRONTAL, "upside down", "inverted"] * count)
    kinds = np.array([FRONTAL, "turned", "inverted"] * count)
    middle = np.array([[2, 0], [-2, 0], [0, 3]] * count)
    x = np.asarray(middle + rng.normal(0, 0.3, middle.shape), np.float32)
    patients = np.array([f"p{i}" for i in range(3 * count)])
    return Sample(x, names, kinds, np.array(["a", "b"] * 3 * count)[: 3 * count], patients)


def test_a_fitted_gate_tells_planted_kinds_apart_and_survives_writing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gate = fit_gate(planted(rng, 60), planted(rng, 20))
    write_gate(gate, tmp_path / "gate.json")
    again = read_gate(tmp_path / "gate.json")
    scores = refusals(again, planted(rng, 50))
    assert scores["upside down"]["value"] == scores["inverted"]["value"] == 1.0
    assert scores[f"{FRONTAL}/a"]["value"] == scores[f"{FRONTAL}/b"]["value"] == 0.0
    assert scores["inverted"]["pictures"] == 50


@pytest.mark.parametrize("impostor", IMPOSTORS, ids=lambda impostor: impostor.name)
def test_what_is_made_of_a_film_is_refused_for_what_it_is(impostor: Impostor, measurer: Measurer) -> None:
    pixels = load_film(next(iter(shipped_samples().values())).path).pixels
    mask = measurer.segmenter.find(pixels).mask
    made = [impostor.make(pixels, mask, np.random.default_rng(seed)) for seed in range(4)]
    rulings = [shipped_gate().rule(measurer.measure(picture)) for picture in made]
    assert sum(not ruling.accepted for ruling in rulings) >= 3
    assert sum(ruling.kind == impostor.kind for ruling in rulings) >= 3


@pytest.mark.parametrize("sample", shipped_samples().values(), ids=lambda sample: sample.name)
def test_the_shipped_samples_are_let_through(sample: Drawn, measurer: Measurer) -> None:
    assert rule_on(load_film(sample.path), measurer).accepted


def test_photographs_are_refused(measurer: Measurer) -> None:
    for picture in load_sample_images().images:
        grey = np.ascontiguousarray(picture.mean(axis=2) / 255, np.float32)
        assert not shipped_gate().rule(measurer.measure(grey)).accepted


def test_a_file_that_says_lateral_is_believed(measurer: Measurer) -> None:
    assert rule_on(film(phantom(), "LATERAL"), measurer).kind == "lateral"


def test_refused_films_need_a_deliberate_word(measurer: Measurer) -> None:
    nothing = film(draw_nothing(np.random.default_rng(0)))
    with pytest.raises(FilmError, match=r"does not look like a chest film.*--anyway"):
        admit(nothing, measurer, anyway=False)
    assert not admit(nothing, measurer, anyway=True).accepted
    assert admit(film(phantom()), measurer, anyway=False).accepted


def test_a_cropped_film_shows_less_of_the_lungs() -> None:
    mask = np.zeros((200, 200), bool)
    mask[50:150, 40:90] = mask[50:150, 110:160] = True
    marked = mask.astype(np.float32)
    for seed in range(20):
        shown = cropped(marked, mask, np.random.default_rng(seed)).sum() / mask.sum()
        assert shown < 0.6


def test_the_card_holds_the_bars_kind_by_kind() -> None:
    scores = json.loads(CARD.read_text("utf-8"))["scores"]
    frontal = {name: score for name, score in scores.items() if name.startswith(f"{FRONTAL}/")}
    assert len(frontal) == 4
    assert all(score["value"] <= 0.05 for score in frontal.values())
    assert all(score["value"] >= 0.95 for name, score in scores.items() if name not in frontal)
    assert {impostor.name for impostor in IMPOSTORS} | {"lateral"} == scores.keys() - frontal.keys()
