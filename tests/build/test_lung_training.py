"""Training the lung network: its loss by hand, its batches, and a run that is cut and goes on."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

from covid_model.build.lung_training import LungTraining, MaskBatches, MaskedImages, overlap_loss, train_lung_network
from covid_model.errors import RunError
from covid_model.training.checkpoint import BEST, LAST, read_state
from covid_model.training.run_folder import RunFolder, state_of


def test_overlap_loss_is_zero_for_a_sure_right_mask_and_large_for_a_wrong_one() -> None:
    truth = np.zeros((1, 16, 16, 1), np.float32)
    truth[:, 4:12, 4:12] = 1
    sure = (truth * 2 - 1) * 50
    right = float(keras.ops.mean(overlap_loss(truth, sure)))
    wrong = float(keras.ops.mean(overlap_loss(truth, -sure)))
    assert right < 0.01
    assert wrong > 10


def masked(folder: Path) -> tuple[pd.DataFrame, Path]:
    """Five images of noise with two bright lungs, and the folder of their masks."""
    rows, masks = [], folder / "masks"
    masks.mkdir()
    for number in range(5):
        lungs = np.zeros((80, 80), np.uint8)
        lungs[20:60, 10:30] = lungs[20:60, 50:70] = 255
        noise = np.random.default_rng(number).integers(1, 60, (80, 80), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), lungs // 2 + noise)
        cv2.imwrite(str(masks / f"{number}_mask.png"), lungs)
        split = "train" if number < 3 else "val"
        rows.append((str(folder / f"{number}.png"), "covid-chestxray-dataset", "COVID-19", split, f"{number:064x}"))
    return pd.DataFrame(rows, columns=["path", "source", "label", "split", "digest"]), masks


def test_any_batch_can_be_made_again_and_images_and_masks_move_together() -> None:
    lungs = np.zeros((5, 256, 256), np.float32)
    lungs[:, 60:200, 40:110] = 1
    made = [MaskBatches(MaskedImages(lungs * 0.8, lungs), 2, seed=1) for _ in range(2)]
    assert made[0].steps == 3
    assert [len(made[0].at(0, step)[2]) for step in range(3)] == [2, 2, 1], "the last batch holds the rest"
    images, masks, weights = made[0].at(3, 1)
    np.testing.assert_array_equal(images, made[1].at(3, 1)[0])
    assert np.abs(np.asarray(images) - made[0].at(4, 1)[0]).max() > 0.1
    assert weights.sum() == pytest.approx(1)
    inside = np.asarray(images)[..., 0][masks[..., 0] > 0]
    outside = np.asarray(images)[..., 0][masks[..., 0] == 0]
    assert np.median(inside) > np.median(outside) + 0.5


def test_a_cut_training_goes_on_bit_for_bit_and_writes_the_best_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, masks = masked(tmp_path)
    settings = LungTraining(epochs=2, batch=2)
    whole = RunFolder(tmp_path / "whole")
    assert train_lung_network(table, masks, whole, tmp_path / "out", settings) == "finished"
    network = keras.saving.load_model(tmp_path / "out" / "lungs-unet.keras", compile=False)
    for one, other in zip(network.get_weights(), read_state(whole.checkpoints / BEST)[0]["averaged"], strict=True):
        np.testing.assert_array_equal(one, other)
    cut, asked = RunFolder(tmp_path / "cut"), []

    def stop_in_the_second_epoch(self: RunFolder) -> bool:
        asked.append(1)
        return len(asked) == 3

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "asked_to_stop", stop_in_the_second_epoch)
        assert train_lung_network(table, masks, cut, tmp_path / "none", settings) == "stopped"
    assert not (tmp_path / "none").exists()
    assert train_lung_network(table, masks, cut, tmp_path / "again", settings) == "finished"
    states = [read_state(run.checkpoints / LAST)[0] for run in (whole, cut)]
    assert set(states[0]) == {"model", "averaged", "optimiser"}
    for name, arrays in states[0].items():
        for one, other in zip(arrays, states[1][name], strict=True):
            np.testing.assert_array_equal(one, other)
    assert state_of(cut) == "finished"


def test_a_split_without_masks_is_one_sentence(tmp_path: Path) -> None:
    table, masks = masked(tmp_path)
    with pytest.raises(RunError, match="No image of the val split has a mask"):
        train_lung_network(table[table["split"] == "train"], masks, RunFolder(tmp_path / "run"), tmp_path, LungTraining())
