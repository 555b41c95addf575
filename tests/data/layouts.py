"""Draws small copies of the public layouts, with images that no patient owns."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_model.data.sources.cohen import COHEN
from covid_model.data.sources.hannover import HANNOVER
from covid_model.data.sources.kermany import KERMANY
from covid_model.data.sources.nih import NIH

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
    """Cohen's collection with the given metadata rows; images are drawn where a row has `seed`."""
    folder = root / COHEN.folders[0]
    folder.mkdir(parents=True)
    base = {"sex": "M", "age": "50", "view": "PA", "modality": "X-ray", "license": "", "url": "", "finding": "COVID-19"}
    table = pd.DataFrame([{**base, **row} for row in rows])
    for row in rows:
        if "seed" in row:
            save(folder / "images" / row["filename"], int(row["seed"]))
    table.drop(columns="seed", errors="ignore").to_csv(folder / "metadata.csv", index=False)
    return folder


def hannover(root: Path, rows: list[tuple[str, str, int]], gain: float = 1.0) -> Path:
    """The Hannover repository with (patient, image, seed) rows."""
    folder = root / HANNOVER.folders[0]
    for _, image, seed in rows:
        save(folder / "png" / f"{image}.png", seed, gain)
    cells = [{"patient_id": p, "image_id": i, "sex": "f", "age": "", "projection": "ap"} for p, i, _ in rows]
    pd.DataFrame(cells).to_csv(folder / "data.csv", index=False)
    return folder


def nih(root: Path, rows: list[tuple[str, str, str, int]], table: str = "Data_Entry_2017_v2020.csv") -> Path:
    """NIH ChestX-ray14 with (image, findings, patient, seed) rows, images in the numbered folders of the download."""
    folder = root / NIH.folders[0]
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
    """Kermany's children with (path below the folder, seed) rows."""
    folder = root / KERMANY.folders[0]
    for name, seed in rows:
        save(folder / name, seed)
    return folder


def radiography(root: Path, each: int = 6) -> Path:
    """COVID-19 Radiography Database: four classes of `each` images with masks, and a spreadsheet beside each."""
    folder = root / "COVID-19_Radiography_Dataset"
    for place, name in enumerate(("COVID", "Normal", "Viral Pneumonia", "Lung_Opacity")):
        for number in range(1, each + 1):
            save(folder / name / "images" / f"{name}-{number}.png", 100 * place + number)
            save(folder / name / "masks" / f"{name}-{number}.png", 1000 + number)
        (folder / f"{name}.metadata.xlsx").write_bytes(b"PK\x03\x04")
    return folder


def covidx(root: Path, lines: list[str], split: str = "train", table: str = "train_COVIDx9A.txt") -> Path:
    """COVIDx: a text file of lines `patient file class [origin]`, the files drawn in the folder of the split."""
    folder = root / "COVIDx"
    for seed, line in enumerate(lines):
        save(folder / split / line.split()[1], seed + len(table))
    (folder / table).write_text("\n".join(lines))
    return folder


def cxnet(root: Path, rows: list[tuple[str, str, str, int]]) -> Path:
    """COVID-CXNet with (file, patient, view, seed) rows."""
    folder = root / "COVID-CXNet"
    for name, _, _, seed in rows:
        save(folder / "chest_xray_images" / "covid19" / name, seed)
    cells = [
        {"filename": n, "patient_id": p, "sex": "male", "age": "50", "view": v, "label": "COVID-19", "url": ""}
        for n, p, v, _ in rows
    ]
    pd.DataFrame(cells).to_csv(folder / "metadata.csv", index=False)
    return folder
