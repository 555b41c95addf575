import keras
import numpy as np

from covid_model.build.lung_training import overlap_loss


def test_overlap_loss_is_zero_for_a_sure_right_mask_and_large_for_a_wrong_one() -> None:
    truth = np.zeros((1, 16, 16, 1), np.float32)
    truth[:, 4:12, 4:12] = 1
    sure = (truth * 2 - 1) * 50
    right = float(keras.ops.mean(overlap_loss(truth, sure)))
    wrong = float(keras.ops.mean(overlap_loss(truth, -sure)))
    assert right < 0.01
    assert wrong > 10
