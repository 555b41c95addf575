"""The recipe of each model in the MODELS table: settings, images and split; those of replications follow their authors.

Where an author's description is silent the simplest choice is made and named in `silent`, which goes to the model's card.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from covid_model.data.sources.cohen import COHEN
from covid_model.data.sources.kermany import KERMANY
from covid_model.errors import RunError
from covid_model.models.specs import MODELS
from covid_model.training.config import TrainConfig

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Recipe:
    """config: settings. images: label -> (source, most images), drawn from the train and validation patients; empty for all.

    by_image: share of the images that the author's split holds out, by image and not by patient; 0 keeps the manifest's
    split. silent: what the description does not say, and what was chosen. changes: how the model differs from the first
    one that shipped under its name, a sentence each.
    """

    config: TrainConfig
    images: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    by_image: float = 0.0
    silent: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


_PLAIN: Final = {
    "head_epochs": 0,
    "cosine": False,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "ema": 0.0,
    "init": "random",
}
"""Adam at a constant learning rate, no label smoothing, no running mean: the usual choices of student projects in 2020."""

_SINCE: Final = (
    "It learned from five collections instead of four; COVID-CXNet, images of many hospitals, is new.",
    "Images of ChestX-ray14 that radiologists of the RSNA challenge read again carry the label of that reading.",
    "The first 40% of the layers stay as ImageNet made them; twelve epochs of the others follow two of the last layer.",
    "Where radiologists marked a training image, a second term of the loss draws the evidence of the label to the marks.",
)
_TILTED: Final = "Within a batch, images of the label and source that are got most wrong count more (a smooth group DRO)."

RECIPES: Final[dict[str, Recipe]] = {
    "lungs": Recipe(
        TrainConfig("lungs", epochs=12, frozen=0.4, guide=1.0, outline=1.0, tilt=2.0, size=320),
        changes=(
            *_SINCE,
            "A third term holds the features of plain grey outlines together, so that an outline alone says nothing.",
            "The outlines that it is shown have no notches: what bites into a lung and is narrower than its dome is filled.",
            "It sees 320 x 320 pixels of them instead of 224 x 224.",
            _TILTED,
        ),
    ),
    "whole-image": Recipe(
        TrainConfig("whole-image", epochs=12, frozen=0.4, guide=1.0, outline=1.0, tilt=2.0, size=320),
        changes=(
            *_SINCE,
            "A third term holds the features of plain grey images together, as that of `lungs` does of its outlines.",
            "It sees 320 x 320 pixels instead of 224 x 224.",
            _TILTED,
        ),
    ),
    "small-cnn": Recipe(
        TrainConfig(
            "small-cnn", epochs=20, head_epochs=0, learning_rate=2e-3, init="random", balance="label", ema=0.9, log_every=2
        ),
    ),
    "resnet50-pneumonia": Recipe(
        TrainConfig("resnet50-pneumonia", epochs=12, head_epochs=0, learning_rate=1e-3, init="random", ema=0.98),
    ),
    "resnet50": Recipe(
        TrainConfig(
            "resnet50",
            epochs=3,
            head_epochs=2,
            learning_rate=1e-4,
            weight_decay=0.0,
            balance="none",
            label_smoothing=0.0,
            ema=0.0,
            init="run",
            base="runs/resnet50-pneumonia",
        ),
        by_image=0.2,
        silent=(
            "start: trained on the pneumonia and normal images of the training patients (recipe resnet50-pneumonia)",
            "images: all of the manifest",
            "settings: 2 epochs of the last layer, 3 of all, Adam 1e-4 along a cosine, batch 32",
        ),
    ),
    "steveroger": Recipe(
        TrainConfig(
            "steveroger",
            epochs=10,
            learning_rate=1e-3,
            balance="none",
            augmentation="none",
            **_PLAIN,  # type: ignore[arg-type]
        ),
        by_image=0.2,
        silent=("input size: 64 x 64", "optimiser, rate, epochs, batch: Adam, 1e-3, 10, 32", "images: all of the manifest"),
    ),
    "anshul": Recipe(
        TrainConfig(
            "anshul",
            epochs=15,
            learning_rate=1e-3,
            balance="none",
            augmentation="shear and zoom",
            **_PLAIN,  # type: ignore[arg-type]
        ),
        images={"COVID-19": (COHEN.name, 150), "Normal": (KERMANY.name, 150)},
        by_image=0.2,
        silent=("which of the CNNs tried: three convolutions", "epochs, batch, split: 15, 32, 20% by image"),
    ),
    "interpretable-cnn": Recipe(
        TrainConfig(
            "interpretable-cnn",
            epochs=10,
            steps=8,
            learning_rate=1e-3,
            balance="none",
            augmentation="shear, zoom and flip",
            **_PLAIN,  # type: ignore[arg-type]
        ),
        images={"COVID-19": (COHEN.name, 180), "Normal": (KERMANY.name, 180)},
        by_image=56 / 360,
        silent=("sources of the images: covid-chestxray-dataset and chest_xray, half each",),
    ),
    "corona-3class": Recipe(
        TrainConfig(
            "corona-3class",
            epochs=8,
            learning_rate=1e-3,
            balance="none",
            augmentation="none",
            **_PLAIN,  # type: ignore[arg-type]
        ),
        images={"COVID-19": (COHEN.name, 400), "Pneumonia": (KERMANY.name, 400), "Normal": (KERMANY.name, 400)},
        by_image=0.2,
        silent=("filters: 32 and 64", "images: up to 400 a class", "optimiser, epochs, batch: Adam 1e-3, 8, 32"),
    ),
}


def get_recipe(model: str) -> Recipe:
    """The recipe of a model, by default all settings at their defaults. Raises RunError that names the known ones."""
    if model not in MODELS:
        raise RunError(f"No recipe for {model!r}; known: {', '.join(MODELS)}.")
    return RECIPES.get(model) or Recipe(TrainConfig(model))


def recipe_table(table: "pd.DataFrame", recipe: Recipe, seed: int = 0) -> "pd.DataFrame":
    """The rows of a manifest that a recipe trains and validates on, with the recipe's own split where it has one.

    The manifest's test patients are left out, so that the test score is on images that no recipe has seen. Raises RunError
    where no row is left.
    """
    chosen = table
    if recipe.images:
        chosen = table[table["split"] != "test"]
        parts = []
        for label, (source, most) in recipe.images.items():
            rows = chosen[(chosen["label"] == label) & (chosen["source"] == source)]
            parts.append(rows.sample(min(most, len(rows)), random_state=seed))
        import pandas as pd

        chosen = pd.concat(parts)
    if recipe.by_image:
        chosen = chosen[chosen["split"] != "test"].sample(frac=1, random_state=seed)
        held = np.zeros(len(chosen), bool)
        held[: round(recipe.by_image * len(chosen))] = True
        chosen = chosen.assign(split=np.where(held, "val", "train"))
    if chosen.empty:
        raise RunError("The manifest has none of the images that this recipe names.")
    return chosen.reset_index(drop=True)
