import numpy as np
import pytest

from covid_model.errors import ExplainError
from covid_model.explain.baseline_inputs import BASELINE_INPUTS, blurred
from covid_model.explain.methods import METHODS
from covid_model.explain.options import baseline_option, complete

MASKS, PATCH = METHODS["rise"].options[0], METHODS["occlusion"].options[0]
OPTIONS = [option for row in METHODS.values() for option in row.options]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_default_is_allowed_and_explained(option) -> None:
    assert option.checked(option.default) == option.default
    assert option.help.endswith(".")


def test_one_name_means_one_kind_of_setting() -> None:
    for option in OPTIONS:
        same = [other for other in OPTIONS if other.name == option.name]
        assert len({(other.low, other.high, other.choices, type(other.default)) for other in same}) == 1


def test_settings_are_completed_from_the_defaults() -> None:
    assert complete((MASKS, PATCH), {"masks": 100}) == {"masks": 100, "patch": 0.15}


@pytest.mark.parametrize(
    ("options", "chosen", "words"),
    [
        ((MASKS,), {"masks": 7}, "between 50 and 5000"),
        ((MASKS,), {"masks": 60.5}, "between 50 and 5000"),
        ((MASKS,), {"masks": "many"}, "Received: 'many'"),
        ((MASKS,), {"masks": True}, "between"),
        ((baseline_option("mean"),), {"baseline": "pink"}, "darkest, mean, blurred"),
        ((MASKS,), {"steps": 3}, "it knows masks"),
        ((), {"steps": 3}, "it has none"),
    ],
)
def test_wrong_settings_are_one_sentence(options, chosen, words: str) -> None:
    with pytest.raises(ExplainError, match=words):
        complete(options, chosen)


@pytest.mark.parametrize("name", BASELINE_INPUTS)
def test_baselines_keep_shape_and_type(name: str) -> None:
    image = np.random.default_rng(0).random((24, 16, 1)).astype(np.float32)
    found = BASELINE_INPUTS[name](image)
    assert (found.shape, found.dtype) == (image.shape, np.float32)
    assert found.std() < image.std() / 2


def test_blurring_keeps_the_tone_of_a_half() -> None:
    image = np.zeros((32, 32, 3), np.float32)
    image[:, 16:] = 1
    found = blurred(image)
    assert found[:, 2].max() < 0.05
    assert found[:, 29].min() > 0.95


@pytest.mark.parametrize("grey", [True, False])
def test_each_channel_is_blurred_as_it_would_be_alone(grey: bool) -> None:
    image = np.random.default_rng(0).random((32, 48, 3)).astype(np.float32)
    image = np.repeat(image[..., :1], 3, axis=2) if grey else image
    alone = [blurred(image[..., channel : channel + 1])[..., 0] for channel in range(3)]
    np.testing.assert_array_equal(blurred(image), np.stack(alone, axis=-1))
