"""Altered copies of an image go to the network a few at a time: fewer of a large one, and every progress is told."""

from collections.abc import Sequence

import numpy as np
import pytest

from covid_model.backends.base import LOGITS, Array, run_in_chunks


class _Sums:
    """A network whose logit is the sum of the image; it keeps the lengths of the batches that it was given."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def run(self, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        self.lengths.append(len(batch))
        return {LOGITS: batch.sum(axis=(1, 2, 3))[:, None]}


@pytest.mark.parametrize(("side", "lengths"), [(64, [4, 3]), (224, [4, 3]), (320, [2, 2, 2, 1]), (512, [1] * 7)], ids=str)
def test_a_larger_input_means_fewer_images_in_one_pass_and_the_same_answers(side: int, lengths: list[int]) -> None:
    batch = np.zeros((7, side, side, 1), np.float32)
    batch[:, 0, 0, 0] = np.arange(7)
    network, told = _Sums(), list[float]()
    found = run_in_chunks(network, batch, progress=told.append)  # type: ignore[arg-type]
    assert network.lengths == lengths
    assert found[:, 0].tolist() == list(range(7))
    assert len(told) == len(lengths)
    assert told[-1] == 1.0
    assert told == sorted(told)
