"""Encoded, used, decisive: what a model does with source, view, sex, age and markers, and with those of one image.

`python -m covid_model audit --attributes` measures the first two over many images; the third is edits of this image.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.models.user_models import folder_of
from covid_model.trust.matched_edits import EDITS, edited_logits

Record = Mapping[str, Any]

LEAST_CHANGE: Final = 0.005
"""Changes of a probability below this are not worth a number."""


@dataclass(frozen=True)
class Attribute:
    """title: for tables. edits: attributes of `matched_edits.EDITS` that change this one; none where no edit can.

    fixed: why not, as a short phrase.
    """

    title: str
    edits: tuple[str, ...] = ()
    fixed: str = ""


ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    "source": Attribute("Source", ("border", "tone")),
    "view": Attribute("View (PA or AP)", fixed="a view cannot be edited"),
    "sex": Attribute("Sex", fixed="sex cannot be edited"),
    "age": Attribute("Age", fixed="age cannot be edited"),
    "markers": Attribute("Burned-in markers", ("markers",)),
}


@dataclass(frozen=True)
class Change:
    """What the edit that matters most does to the answer. by: change of the predicted class's probability, signed.

    edit: completes "The answer changes ...". becomes: the class predicted after it, where that is another; else "".
    """

    by: float
    edit: str
    becomes: str = ""


@dataclass(frozen=True)
class LedgerRow:
    """One attribute in plain words. encoded, used, sensitive: over many images; decisive: for this image, "" without one."""

    title: str
    encoded: str
    used: str
    sensitive: str
    decisive: str = ""


def attributes_path(model: str, folder: Path) -> Path:
    """Where the attribute record of a model is kept."""
    return folder / f"{model}.attributes.json"


def load_attributes(model: str, digest: str, folder: Path | None = None) -> Record:
    """The record of `audit --attributes`, from `folder` or from where the model's weights are; empty where there is none for
    these weights.

    digest: sha256 hex of the weights.
    """
    path = attributes_path(model, folder or folder_of(model))
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.get("weights_sha256") == digest else {}


def decisive(classifier: Classifier, image: XrayImage, prediction: Prediction) -> dict[str, Change]:
    """Attribute -> the change by the edit of it that moves the answer most; attributes that no edit changes are left out.

    The lungs are those of the prediction; empty where none were found. Image and edits are compared at the size at which
    images are edited.
    """
    if not prediction.prepared.lungs.mask.any():
        return {}
    wanted = {kind for attribute in ATTRIBUTES.values() for kind in attribute.edits}
    edits = {name: edit for name, edit in EDITS.items() if edit.attribute in wanted}
    before, after = edited_logits(classifier, image, prediction.prepared.lungs, edits)
    classes = classifier.card.classes
    place = classes.index(prediction.predicted)
    start = float(classifier.probabilities(before[None])[0, place])
    changes: dict[str, list[Change]] = {}
    for name, logits in after.items():
        probabilities = classifier.probabilities(logits[None])[0]
        called = classes[int(probabilities.argmax())]
        becomes = "" if called == prediction.predicted else called
        change = Change(float(probabilities[place]) - start, edits[name].label, becomes)
        changes.setdefault(edits[name].attribute, []).append(change)
    return {
        key: max((change for kind in attribute.edits for change in changes[kind]), key=lambda change: abs(change.by))
        for key, attribute in ATTRIBUTES.items()
        if attribute.edits
    }


def ledger(record: Record, changes: Mapping[str, Change] | None = None) -> list[LedgerRow]:
    """One row an attribute. record: of `load_attributes`, empty where nothing was measured. changes: of `decisive`."""
    rows = []
    for key, attribute in ATTRIBUTES.items():
        measured = record.get("attributes", {}).get(key, {})
        change = ""
        if changes is not None:
            edited = _change(changes[key], attribute) if key in changes else ""
            change = edited or attribute.fixed or "not edited: no lungs were found"
        row = LedgerRow(attribute.title, _encoded(measured), _used(measured), _sensitive(measured), change)
        rows.append(row)
    return rows


def headline(row: LedgerRow) -> str:
    """A row as one line.

    >>> headline(LedgerRow("Source", "encoded: 93%", "used: 1.6 SD", "", "changes this answer by +0.31"))
    'Source: encoded, used, changes this answer by +0.31'
    >>> headline(LedgerRow("Sex", "not measured", "not measured", ""))
    'Sex: not measured'
    """
    parts = list(dict.fromkeys(text.partition(":")[0] for text in (row.encoded, row.used)))
    return f"{row.title}: {', '.join([*parts, row.decisive] if row.decisive else parts)}"


def _encoded(measured: Record) -> str:
    found = measured.get("encoded")
    if not found:
        return "not measured: too few images" if measured else "not measured"
    word = "encoded" if found["found"] else "not encoded"
    right = f"{found['value']:.0%} right ({found['low']:.0%} to {found['high']:.0%})"
    return f"{word}: {right}, {found['shuffled']:.0%} when shuffled, {measured['images']} images"


def _used(measured: Record) -> str:
    found = measured.get("used")
    if not found:
        return "not measured"
    word = "used" if found["found"] else "not used"
    if found["found"] and not measured["encoded"]["found"]:
        word = "perhaps used"
    size = f"{found['class']} score {found['value']:+.2f} SD for {found['group']}"
    return f"{word}: {size}, up to {found['shuffled_high']:.2f} when shuffled"


def _sensitive(measured: Record) -> str:
    found = measured.get("sensitive")
    if not found:
        return ""
    word = "beyond chance" if found["found"] else "no more than chance"
    chance = f"{found['shuffled_low']:.0%} to {found['shuffled_high']:.0%} when shuffled"
    return f"{word}: {found['class']} score rises toward {found['group']} for {found['share']:.0%} of images, {chance}"


def _change(change: Change, attribute: Attribute) -> str:
    """The change as part of a sentence."""
    if abs(change.by) < LEAST_CHANGE and not change.becomes:
        return f"edits of {' and '.join(attribute.edits)} do not change this answer"
    becomes = f", and it becomes {change.becomes}" if change.becomes else ""
    return f"changes this answer by {change.by:+.2f} ({change.edit}{becomes})"
