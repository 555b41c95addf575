"""Drawn patients: a body of their own, the lesions of their disease, and several images of each."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.data.labels import Label
from covid_model.images.phantom import SIZE, Build, draw_chest

LESION: Final = 0.06
"""A lesion is where the disease adds at least this much, on a scale from black 0 to white 1."""
CELLS: Final = 4
"""The body of a patient is the usual one, moved smoothly by a grid of this many cells a side."""
Haze = tuple[float, float, float, float]


@dataclass(frozen=True)
class Patient:
    """One drawn patient. seed: of the body and the disease. label: the true one. images: how many there are."""

    name: str
    label: Label
    sex: str
    age: int
    seed: int
    images: int


@dataclass(frozen=True, eq=False)
class Drawn:
    """One image before a hospital takes it. chest: (512, 512) float32; lesions: (512, 512) bool."""

    chest: NDArray[np.float32]
    lesions: NDArray[np.bool_]


def hazes_of(label: Label, rng: np.random.Generator) -> tuple[Haze, ...]:
    """COVID-19: several faint patches low at the outer edges on both sides; pneumonia: one dense area; normal: none."""
    if label == "COVID-19":
        return tuple(
            (
                rng.uniform(0.42, 0.64),
                0.5 + side * rng.uniform(0.22, 0.32),
                rng.uniform(0.05, 0.085),
                rng.uniform(0.16, 0.28),
            )
            for side in (-1, 1)
            for _ in range(int(rng.integers(1, 4)))
        )
    if label == "Pneumonia":
        side = rng.choice([-1, 1])
        place = (rng.uniform(0.3, 0.6), 0.5 + side * rng.uniform(0.16, 0.24))
        return ((*place, rng.uniform(0.085, 0.13), rng.uniform(0.28, 0.42)),)
    return ()


def draw(patient: Patient, number: int) -> Drawn:
    """Image `number` (from 0) of a patient: the same body and lesions in another pose, fainter or denser. Repeatable."""
    body = np.random.default_rng([patient.seed, 0])
    pose = np.random.default_rng([patient.seed, 1, number])
    build = Build(*body.uniform((0.8, 0.6, 0.85, 0.6, 0.5, 0.5), (1.1, 1.4, 1.1, 1.4, 1.5, 2.0)))
    strength = pose.uniform(0.85, 1.15)
    hazes = tuple((row, col, radius, strength * dense) for row, col, radius, dense in hazes_of(patient.label, body))
    chest, added = draw_chest(body, hazes, build)
    chest += 0.08 * cv2.resize(body.normal(0, 1, (6, 6)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    moved = _moved(body, pose)
    chest, added = (
        np.asarray(cv2.remap(part, *moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
        for part in (chest, added)
    )
    return Drawn(chest, added > LESION)


def _moved(body: np.random.Generator, pose: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel (column, row) comes from: the patient's shape, and the small turn and shift of one image."""
    shape = body.normal(0, 0.026 * SIZE, (2, CELLS, CELLS)).astype(np.float32)
    across, down = (cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for part in shape)
    wide, high = body.uniform(0.9, 1.12), body.uniform(0.9, 1.12)
    turn, scale = pose.normal(0, 2.0), pose.uniform(0.97, 1.03)
    matrix = np.asarray(cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), turn, scale), np.float64)
    matrix[:, 2] += pose.normal(0, 0.012 * SIZE, 2)
    rows, cols = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    x, y = (row[0] * (cols - SIZE / 2) + row[1] * (rows - SIZE / 2) + row[2] + _centre(row) for row in matrix)
    return (
        ((x - SIZE / 2) * wide + SIZE / 2 + across).astype(np.float32),
        ((y - SIZE / 2) * high + SIZE / 2 + down).astype(np.float32),
    )


def _centre(row: NDArray[np.float64]) -> float:
    """What a row of the matrix makes of the image's centre, without its shift."""
    return float((row[0] + row[1]) * SIZE / 2)
