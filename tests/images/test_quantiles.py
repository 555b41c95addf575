"""Quantiles by selection are those of a full sort."""

import numpy as np
import pytest

from covid_model.images.quantiles import SAMPLE, quantiles

SHARES = (0.0, 0.01, 0.25, 0.5, 0.99, 0.998, 1.0)
RNG = np.random.default_rng(0)
SIDE = 600

KINDS = {
    "noise": RNG.random((SIDE, SIDE), dtype=np.float32),
    "eight bits": (RNG.integers(0, 256, (SIDE, SIDE)) / 255).astype(np.float32),
    "flat": np.full((SIDE, SIDE), 0.5, np.float32),
    "mostly zero": np.where(RNG.random((SIDE, SIDE)) < 0.001, 1, 0).astype(np.float32),
    "stripes of the sample's spacing": (np.arange(SIDE * SIDE) % (SIDE * SIDE // SAMPLE) == 0).astype(np.float32),
    "sorted": np.linspace(-1, 1, SIDE * SIDE, dtype=np.float32),
    "small": RNG.random(7, dtype=np.float32),
    "one": np.ones(1, np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
def test_quantiles_are_those_of_a_full_sort(kind: str) -> None:
    values = KINDS[kind]
    np.testing.assert_allclose(quantiles(values, SHARES), np.quantile(values.astype(np.float64), SHARES), rtol=1e-12)
