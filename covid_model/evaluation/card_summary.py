"""A model card as text and numbers for the Models page: scores by split, the reason for their gap, and the recipe."""

from typing import Any, Final

from covid_model.data.sources import sources_with
from covid_model.evaluation.subsets import SUBSETS
from covid_model.models.card import Card
from covid_model.models.specs import ModelSpec
from covid_model.models.user_models import folder_of

AUC: Final = "auc/COVID-19"


def interval_text(score: dict[str, Any] | None) -> str:
    """A score with its 95% interval.

    >>> interval_text({"value": 0.81, "low": 0.66, "high": 0.94})
    '0.81 (0.66 to 0.94)'
    >>> interval_text(None)
    'not measured'
    """
    if not score or score["value"] is None:
        return "not measured"
    if score["low"] is None:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def own_scores(card: Card) -> dict[str, Any]:
    """The scores under the recipe's own split, or under the manifest's validation split where the recipe has none."""
    own: dict[str, Any] = card.training.get("own_split") or card.scores.get("val", {})
    return own.get("scores", {})


def auc_by_split(card: Card) -> dict[str, dict[str, Any] | None]:
    """Title of split -> AUC of COVID-19: the recipe's own split first, then stricter ones."""
    test = card.scores.get("test", {})
    parts = {
        subset.title: test.get("by_subset", {}).get(key, {}).get("scores", {}).get(AUC) for key, subset in SUBSETS.items()
    }
    return {"its own split": own_scores(card).get(AUC), "patients apart": test.get("scores", {}).get(AUC)} | parts


def auc_row(card: Card) -> dict[str, str]:
    """The model's AUC of COVID-19 by split: column -> text."""
    return {"model": card.title} | {
        title.partition(":")[0]: interval_text(score) for title, score in auc_by_split(card).items()
    }


def overview_row(row: ModelSpec, card: Card) -> dict[str, Any]:
    """What the model is, and its other scores: column -> text."""
    own, test = own_scores(card), card.scores.get("test", {}).get("scores", {})
    speed = card.scores.get("milliseconds")
    return {
        "model": row.title,
        "input": f"{row.preprocessing.size[0]} x {row.preprocessing.size[1]}, {row.preprocessing.region}",
        "weights": f"{(folder_of(row.key) / row.weights_name).stat().st_size / 1e6:.1f} MB",
        "one image": f"{speed:.0f} ms" if speed else "not measured",
        "accuracy, own split": interval_text(own.get("accuracy")),
        "balanced accuracy, patients apart": interval_text(test.get("balanced_accuracy")),
        "macro AUC, patients apart": interval_text(test.get("auc/macro")),
    }


def gap_reason(row: ModelSpec, card: Card) -> str:
    """The reason for the gap between scores, from the images and the split on the card."""
    images = [cells for cells in card.training.get("images", []) if cells["split"] == "train"]
    if not images:
        return "It was imported; its training images are not known."
    of = {label: {cells["source"] for cells in images if cells["label"] == label} for label in row.labels}
    covid = of.get("COVID-19", set())
    others = set().union(*(sources for label, sources in of.items() if label != "COVID-19"))
    reasons = []
    if covid and not covid & others:
        reasons.append(
            f"Its COVID-19 images come from {', '.join(sorted(covid))} and all others from {', '.join(sorted(others))}: "
            "recognising the source is enough."
        )
    if others and others <= sources_with(lambda source: source.children):
        reasons.append("All its other images show children: recognising age is enough.")
    if card.training.get("split") == "by image":
        reasons.append("Its own split is by image, not by patient, so images of one patient are on both sides.")
    return (
        " ".join(reasons)
        or "Its own split is by patient, too: the validation images, of the same collections as the training images."
    )


def recipe_text(card: Card) -> str:
    """How the model was trained, from the card; "" where that is not known."""
    settings, images = card.training.get("settings"), card.training.get("images", [])
    if not settings:
        return ""
    trained = sum(cells["images"] for cells in images if cells["split"] == "train")
    optimiser = "AdamW" if settings.get("weight_decay") else "Adam"
    epochs = settings.get("head_epochs", 0) + settings["epochs"]
    text = f"{trained:,} training images, {epochs} epochs, batch {settings['batch']}, {optimiser}"
    named = settings["augmentation"] if isinstance(settings["augmentation"], str) else "light"  # older cards: its ranges
    return f"{text} at {settings['learning_rate']:g}, augmentation “{named}”"
