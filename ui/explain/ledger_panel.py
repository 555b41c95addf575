"""Encoded, used, decisive: a small table of what the model does with source, view, sex, age and markers."""

from typing import Final

import streamlit as st

from covid_model.api.result import Result
from covid_model.trust.ledger import LedgerRow, decisive, headline, ledger, load_attributes
from ui.inert import inert
from ui.results import results

HEADINGS: Final = ("", "Encoded in the features?", "Does the score follow it?", "This answer")


def ledger_panel(result: Result) -> None:
    """The ledger of the model and this image; of a model without a record, what edits of this image change."""
    classifier, prediction = result.inputs.classifier, result.prediction
    record = load_attributes(classifier.key, classifier.weights_digest)
    key = ("decisive", classifier.weights_digest, result.image.digest)
    changes = results().get_or_make(key, lambda: decisive(classifier, result.image, prediction))
    rows = ledger(record, changes)
    st.markdown(f"**What else can the model read?** {inert(headline(rows[0]))}.")
    st.markdown(_table(rows))
    measured = (
        f"The first two columns: {record['images']} images of {record['patients']} patients, among images of one label at a "
        f"time, measured {record['date'][:10]}. "
        if record
        else f"The first two columns need `python -m covid_model audit --attributes --model {inert(classifier.key)}`. "
    )
    st.caption(
        f"{measured}The last: the largest change of the probability of {inert(prediction.predicted)} by an edit of this "
        "image. What is encoded need not be used, and a score may follow an attribute that merely goes along with severity "
        "or with another attribute."
    )


def _table(rows: list[LedgerRow]) -> str:
    """The rows as a Markdown table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    lines += [(row.title, row.encoded, row.used, row.decisive) for row in rows]
    cells = [[text if text == "---" else inert(text) for text in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
