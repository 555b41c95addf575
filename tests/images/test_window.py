import numpy as np

from covid_model.images.window import auto_window, displayed

PIXELS = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]], np.float32)


def test_window_and_inversion() -> None:
    assert displayed(PIXELS).tolist() == [[0, 64, 128, 191, 255]]
    assert displayed(PIXELS, invert=True).tolist() == [[255, 191, 128, 64, 0]]
    assert displayed(PIXELS, low=0.25, high=0.75).tolist() == [[0, 0, 128, 255, 255]]
    assert displayed(PIXELS, low=0.5, high=0.5).tolist() == [[0, 0, 0, 255, 255]]


def test_the_automatic_window_leaves_out_the_tails() -> None:
    pixels = np.linspace(0.2, 0.6, 10000, dtype=np.float32).reshape(100, 100)
    low, high = auto_window(pixels)
    assert (round(low, 2), round(high, 2)) == (0.2, 0.6)
    assert auto_window(np.ones((4, 4), np.float32)) == (0.0, 1.0)
