"""What the program knows of a model: its card and the reports and audits of the same weights."""

from covid_model.errors import DataError
from covid_model.evaluation.stored import StoredReport, find_reports, read_report
from covid_model.models.card import Card
from covid_model.share.checklist import Known
from covid_model.trust.audit_record import load_audit_record


def known_of(card: Card, report: StoredReport | None = None) -> Known:
    """What is known of a model. report: by default the first one of its weights; damaged ones are passed over."""
    found = report or _report_of(card)
    audit = load_audit_record(card.key, card.weights_sha256)
    if found is None:
        return Known(card, audit=audit)
    return Known(card, found.content, found.shortcuts, audit)


def _report_of(card: Card) -> StoredReport | None:
    for folder in find_reports().values():
        try:
            report = read_report(folder)
        except DataError:
            continue
        if report.content["weights_sha256"] == card.weights_sha256:
            return report
    return None
