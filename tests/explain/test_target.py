import pytest

from covid_model.errors import ExplainError
from covid_model.explain.target import resolve_target

THREE = ("COVID-19", "Pneumonia", "Normal")
TWO = ("Normal", "COVID-19")


@pytest.mark.parametrize(
    ("name", "classes", "units", "shown", "weights"),
    [
        ("COVID-19", THREE, 3, "COVID-19", (1, 0, 0)),
        (" normal ", THREE, 3, "Normal", (0, 0, 1)),
        ("covid-19 - pneumonia", THREE, 3, "COVID-19 - Pneumonia", (1, -1, 0)),
        ("COVID-19", TWO, 1, "COVID-19", (1,)),
        ("Normal", TWO, 1, "Normal", (-1,)),
        ("COVID-19 - Normal", TWO, 1, "COVID-19 - Normal", (2,)),
    ],
)
def test_names_become_weights_over_the_logits(
    name: str, classes: tuple[str, ...], units: int, shown: str, weights: tuple[float, ...]
) -> None:
    target = resolve_target(name, classes, units)
    assert (target.name, target.weights) == (shown, weights)
    assert target.row.shape == (units,)


def test_a_target_knows_how_logits_become_probabilities() -> None:
    assert resolve_target("COVID-19", THREE, 3).head == "multiclass"
    for name in ("COVID-19", "COVID-19 - Normal"):
        assert resolve_target(name, THREE, 3, "multilabel").head == "multilabel"


def test_a_class_may_hold_the_minus_of_a_difference() -> None:
    assert resolve_target("non - covid", ("COVID", "Non - COVID"), 2).weights == (0, 1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Flu", "COVID-19, Pneumonia, Normal"),
        ("COVID-19 - Flu", "Unknown class 'Flu'"),
        ("Normal - normal", "zero"),
        ("", "Unknown"),
    ],
)
def test_bad_names_are_one_sentence(name: str, words: str) -> None:
    with pytest.raises(ExplainError, match=words):
        resolve_target(name, THREE, 3)
