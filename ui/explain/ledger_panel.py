"""Encoded, used, decisive: a small table of what the model does with source, view, sex, age and markers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from covid_model.api.result import Result
from covid_model.trust.ledger import decisive, headline, ledger, load_attributes
from ui.inert import inert
from ui.results import results

HEADINGS: Final = ("Attribute", "Encoded in the features?", "Does the score follow it?", "This answer")


def ledger_panel(result: Result) -> None:
    """The ledger of the model and this image; of a model without a record, what edits of this image change."""
    classifier, prediction = result.inputs.classifier, result.prediction
    record = load_attributes(classifier.key, classifier.weights_digest)
    key = ("decisive", classifier.weights_digest, result.image.digest)
    changes = results().get_or_make(key, lambda: decisive(classifier, result.image, prediction))
    rows = ledger(record, changes)
    st.markdown(f"**What else can the model read?** {inert(headline(rows[0]))}.")
    command = f"The columns in the middle need `python -m covid_model audit --attributes --model {inert(classifier.key)}`."
    with st.expander("Source, view, sex, age and markers", icon=":material/fingerprint:", key="ledger"):
        st.markdown(ledger_table(HEADINGS, [(row.title, row.encoded, row.used, row.decisive) for row in rows]))
        st.caption(
            f"{measured_on(record) if record else command} The last column: the largest change of the probability of "
            f"{inert(prediction.predicted)} by an edit of this image. What is encoded need not be used, and a score may "
            "follow an attribute that merely goes along with severity or with another attribute."
        )


def measured_on(record: Mapping[str, Any]) -> str:
    """What the columns in the middle mean, and the images that they were measured on."""
    return (
        "Encoded: how often a linear probe of the model's features names the attribute. Used: by how many standard "
        f"deviations the score differs. Measured {record['date'][:10]} among images of one label at a time, "
        f"{record['images']} images of {record['patients']} patients."
    )


def ledger_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts from outside as a Markdown table."""
    lines = [[inert(text) for text in line] for line in (headings, *rows)]
    lines.insert(1, ["---"] * len(headings))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
