import numpy as np
import pytest
from toys import ToyClassifier, toy_prediction

from covid_model.explain.captions import LungShare, caption, lung_share
from covid_model.explain.engine import explain


def test_the_share_counts_only_what_the_model_saw() -> None:
    lungs, seen = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    lungs[2:4, 2:7] = True
    seen[:5, :] = True
    heatmap = np.ones((10, 10), np.float32)
    heatmap[lungs] = 4
    assert lung_share(heatmap, lungs, seen) == LungShare(inside=40 / 80, chance=10 / 50)


def test_no_map_or_no_lungs_gives_no_share() -> None:
    everything = np.ones((4, 4), bool)
    assert lung_share(np.zeros((4, 4), np.float32), everything, everything) is None
    assert lung_share(np.ones((4, 4), np.float32), ~everything, everything) is None


def test_the_captions_name_an_unlikely_class_and_the_chance_level() -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    found = explain(classifier, prediction, target="Normal")
    text = " ".join(caption(found, LungShare(0.5, 0.25)))
    assert "50% of the map is inside the lungs; of a map spread evenly over what the model saw it would be 25%." in text
    found.probabilities["Normal"] = 0.03
    assert "only 3%" in caption(found, None)[0]
    found.probabilities["Normal"] = 0.9
    assert "only" not in caption(found, None)[0]
    found.heatmap[:] = 0
    assert "no value of the map is positive" in caption(found, None)[0]


def test_a_difference_has_no_probability_to_warn_of() -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    found = explain(classifier, prediction, target="Normal - COVID-19")
    assert not any("only" in sentence.split("map")[0] for sentence in caption(found, None)[:1])
    with pytest.raises(KeyError):
        found.probabilities["Normal - COVID-19"]


def test_captions_of_a_multilabel_model_say_that_its_classes_do_not_exclude_each_other() -> None:
    classifier = ToyClassifier()
    found = explain(classifier, toy_prediction(classifier), target="Normal")
    found.probabilities["Normal"] = 0.03
    first, *others = caption(found, None, "multilabel")
    assert first.startswith("The model gives Normal a probability of its own of only 3%, so it does not find it;")
    assert any("do not exclude each other: the map says nothing about the other classes" in text for text in others)
    assert not any("exclude" in text for text in caption(found, None))
    blind = explain(classifier, toy_prediction(classifier), method="eigencam", target="Normal")
    assert not any("exclude" in text for text in caption(blind, None, "multilabel")), "its map is of no class"
