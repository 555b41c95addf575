import cv2
import numpy as np
import pytest

from covid_model.images.lung_region import Box
from covid_model.trust.edits import EDITS, Edit, edited
from covid_model.trust.maps import change, comparable, rank_correlation, ssim, top_overlap

RNG = np.random.default_rng(0)
ONE = RNG.random((64, 64)).astype(np.float32)
OTHER = RNG.random((64, 64)).astype(np.float32)


def test_a_map_is_like_itself_whatever_its_scale() -> None:
    assert ssim(ONE, 3 * ONE + 1) == pytest.approx(1, abs=1e-6)
    assert rank_correlation(ONE, ONE**3) == pytest.approx(1)
    assert change(ONE, 5 * ONE) == pytest.approx(0, abs=1e-6)
    assert top_overlap(ONE, ONE**2) == 1


def test_unrelated_maps_are_not_alike() -> None:
    assert abs(ssim(ONE, OTHER)) < 0.1
    assert abs(rank_correlation(ONE, OTHER)) < 0.1
    assert rank_correlation(ONE, -ONE) == pytest.approx(-1)
    assert change(ONE, -ONE) == pytest.approx(2)
    assert top_overlap(ONE, OTHER) < 0.15


@pytest.mark.parametrize("cells", [4, 7, 14, 64])
def test_ssim_is_what_the_papers_formula_gives(cells: int) -> None:
    """Pass lines in audit records were measured with this formula; another margin would shift them."""
    one, other = (cv2.resize(values[:cells, :cells], (64, 64)).astype(np.float64) for values in (ONE, OTHER))
    a, b = ((values - values.min()) / np.ptp(values) for values in (one, other))

    def blur(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b, product = blur(a), blur(b), blur(a * b)
    var_a, var_b, covariance = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, product - mean_a * mean_b
    similar = (2 * mean_a * mean_b + 0.01**2) * (2 * covariance + 0.03**2)
    expected = similar / ((mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2))
    assert ssim(one.astype(np.float32), other.astype(np.float32)) == pytest.approx(expected.mean(), abs=3e-3)


def test_a_flat_map_orders_nothing_and_breaks_nothing() -> None:
    flat = np.zeros((64, 64), np.float32)
    assert rank_correlation(ONE, flat) == 0
    assert change(flat, flat) == 0
    assert ssim(flat, flat) == pytest.approx(1)
    assert np.isfinite(ssim(ONE, flat))
    assert rank_correlation(flat, flat) == 0


def test_maps_are_compared_over_what_the_model_saw() -> None:
    heatmap = np.zeros((100, 200), np.float32)
    heatmap[:, 100:] = 1
    assert comparable(heatmap, Box(0, 100, 100, 200)).min() == pytest.approx(1)
    assert comparable(heatmap, Box(0, 0, 100, 200)).mean() == pytest.approx(0.5)


@pytest.mark.parametrize("kind", EDITS)
def test_edits_change_their_rectangle_and_nothing_else(kind: str) -> None:
    pixels = RNG.uniform(0.1, 0.5, (100, 80)).astype(np.float32)
    changed = edited(pixels, [Edit(kind, 0.2, 0.25, 0.6, 0.75)])
    inside = np.zeros((100, 80), bool)
    inside[20:60, 20:60] = True
    assert (changed[~inside] == pixels[~inside]).all()
    assert np.abs(changed[inside] - pixels[inside]).max() > 0.05
    assert 0 <= changed.min() <= changed.max() <= 1


def test_edits_follow_each_other_and_the_original_stays() -> None:
    pixels = np.full((64, 64), 0.5, np.float32)
    black = Edit("black", 0, 0, 1, 1)
    assert edited(pixels, [black, Edit("r", 0, 0, 0.5, 0.5)])[:32, :32].max() == 1
    assert edited(pixels, [Edit("r", 0, 0, 0.5, 0.5), black]).max() == 0
    assert (pixels == 0.5).all()


def test_an_empty_rectangle_is_one_pixel() -> None:
    changed = edited(np.full((64, 64), 0.5, np.float32), [Edit("black", 1.0, 1.0, 1.0, 1.0)])
    assert (changed == 0).sum() == 1
