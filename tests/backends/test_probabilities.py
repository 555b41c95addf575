import numpy as np
import pytest
import scipy.special

from covid_model.backends.probabilities import sigmoid, softmax


@pytest.mark.parametrize("scale", [1, 30, 1000])
def test_both_are_those_of_scipy(scale: float) -> None:
    logits = np.random.default_rng(0).normal(0, scale, (500, 3))
    np.testing.assert_allclose(sigmoid(logits), scipy.special.expit(logits), rtol=1e-12)
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits, axis=-1), rtol=1e-12)


def test_single_precision_stays() -> None:
    assert sigmoid(np.zeros((2, 2), np.float32)).dtype == np.float32


def test_what_is_not_a_number_stays_one() -> None:
    assert np.isnan(sigmoid(np.array([np.nan]))).all()
