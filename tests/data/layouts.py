"""Draws small copies of the four public layouts, with images that no patient owns."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

SIDE = 96


def image_picture(seed: int) -> np.ndarray:
    """A (SIDE, SIDE) uint8 picture of smooth random structure; different seeds are far apart in perceptual hash."""
    coarse = np.random.default_rng(seed).random((7, 7)).astype(np.float32)
    return np.round(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8)


def save(path: Path, seed: int, gain: float = 1.0) -> None:
    """Write the picture of `seed` as PNG or JPEG, optionally darker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), (image_picture(seed) * gain).astype(np.uint8))


def cohen(root: Path, rows: list[dict[str, str]]) -> Path:
    """covid-chestxray-dataset with the given metadata rows; images are drawn where a row has `seed`."""
    folder = root / "covid-chestxray-dataset"
    folder.mkdir(parents=True)
    base = {"sex": "M", "age": "50", "view": "PA", "modality": "X-ray", "license": "", "url": "", "finding": "COVID-19"}
    table = pd.DataFrame([{**base, **row} for row in rows])
    for row in rows:
        if "seed" in row:
            save(folder / "images" / row["filename"], int(row["seed"]))
    table.drop(columns="seed", errors="ignore").to_csv(folder / "metadata.csv", index=False)
    return folder


def hannover(root: Path, rows: list[tuple[str, str, int]], gain: float = 1.0) -> Path:
    """covid-19-image-repository with (patient, image, seed) rows."""
    folder = root / "covid-19-image-repository"
    for _, image, seed in rows:
        save(folder / "png" / f"{image}.png", seed, gain)
    cells = [{"patient_id": p, "image_id": i, "sex": "f", "age": "", "projection": "ap"} for p, i, _ in rows]
    pd.DataFrame(cells).to_csv(folder / "data.csv", index=False)
    return folder


def nih(root: Path, rows: list[tuple[str, str, str, int]], table: str = "Data_Entry_2017_v2020.csv") -> Path:
    """NIH ChestX-ray14 with (image, findings, patient, seed) rows, images in the numbered folders of the download."""
    folder = root / "NIH-ChestXray14"
    for image, _, _, seed in rows:
        save(folder / "images_001" / "images" / image, seed)
    cells = [
        {
            "Image Index": image,
            "Finding Labels": findings,
            "Patient ID": patient,
            "Patient Age": "058Y",
            "Patient Gender": "F",
            "View Position": "PA",
        }
        for image, findings, patient, _ in rows
    ]
    pd.DataFrame(cells).to_csv(folder / table, index=False)
    return folder


def kermany(root: Path, rows: list[tuple[str, int]]) -> Path:
    """chest_xray with (path below the folder, seed) rows."""
    folder = root / "chest_xray"
    for name, seed in rows:
        save(folder / name, seed)
    return folder
