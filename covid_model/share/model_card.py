"""A model card as Markdown and HTML under the headings of Mitchell 2019 (arXiv 1810.03993), read from card and report."""

from dataclasses import dataclass
from typing import Any, Final

from covid_model.evaluation.card_summary import gap_reason, interval_text, recipe_text
from covid_model.evaluation.groups import GROUPINGS, LEAST
from covid_model.evaluation.subsets import SUBSETS
from covid_model.evaluation.titles import OF_CLASS, SCORES, score_title
from covid_model.models.card import Card
from covid_model.share.checklist import Known, score
from covid_model.share.checklist import rows as checklist_rows
from covid_model.share.report import NOTICE, templates

UNMEASURED: Final = "Nothing was measured on test images; `python -m covid_model evaluate` does it."


@dataclass(frozen=True)
class Section:
    """One heading with paragraphs and, where it has one, a table: its columns and rows of text."""

    heading: str
    paragraphs: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(known: Known) -> tuple[Section, ...]:
    """The sections of a model card; without a report it says that nothing was measured."""
    card, report = known.card, known.report
    return (
        Section(
            "Model details",
            (
                card.summary,
                f"{card.title} (`{card.key}`), {card.architecture}; classes {', '.join(card.classes)}; input "
                f"{card.preprocessing.size[0]} x {card.preprocessing.size[1]} pixels, region “{card.preprocessing.region}”.",
                f"Trained or registered {card.date[:10]} with version {card.version}; weights sha256 {card.weights_sha256}.",
            ),
        ),
        Section("Intended use", (NOTICE, *card.limits)),
        *(_measured_on(report) if report else (Section("Evaluation data", (UNMEASURED,)),)),
        _training(card),
        *((_totals(report), _groups(report)) if report else ()),
        _caveats(known),
        _checklist(known),
    )


def _measured_on(report: dict[str, Any]) -> tuple[Section, ...]:
    test = report["splits"]["test"]
    return (
        Section(
            "Factors",
            (
                f"Scores are given by {', '.join(row.title.lower() for row in GROUPINGS.values())}; of groups of fewer than "
                f"{LEAST} images only their number.",
            ),
        ),
        Section(
            "Metrics",
            (
                "All intervals are 95%, from 2,000 bootstrap draws of patients. Sensitivity, specificity and predictive "
                "values are at the threshold of 95% specificity on the validation images; predictive values hold for the "
                "share of the class among the test images.",
            ),
        ),
        Section(
            "Evaluation data",
            (
                f"{test['images']:,} test images of {test['patients']:,} patients, data {report['data_hash'][:12]}, "
                f"evaluated {report['date'][:10]}; {report['left_out']} images with other labels were left out.",
            ),
            ("source", "images", "patients"),
            tuple((name, f"{part['images']:,}", f"{part['patients']:,}") for name, part in test["by_source"].items()),
        ),
    )


def _checklist(known: Known) -> Section:
    reported, applicable = score(known)
    said = (
        f"{reported} of the {applicable} applicable items of CLAIM 2024 are reported here, with the items of TRIPOD+AI that "
        "ask for the same. The program scores itself from what it knows of the model, and says the items in its own words: "
        "the number cannot be compared with that of a publication scored by readers."
    )
    return Section("Checklist", (said,), ("CLAIM 2024", "TRIPOD+AI", "item", "state", "answer"), checklist_rows(known))


def _training(card: Card) -> Section:
    images = [cells for cells in card.training.get("images", []) if cells["split"] == "train"]
    rows = tuple((cells["source"], cells["label"], f"{cells['images']:,}") for cells in images)
    recipe = recipe_text(card)
    known: tuple[str, ...] = (
        (f"{recipe}; split {card.training.get('split', 'by patient')}.",)
        if recipe
        else ("Nothing is known of its training.",)
    )
    if changes := card.training.get("changes"):
        known = (*known, f"Since the first model of this name: {' '.join(changes)}")
    return Section("Training data", known, ("source", "label", "images") if rows else (), rows)


def _totals(report: dict[str, Any]) -> Section:
    scores = report["splits"]["test"]["scores"]
    keys = (*SCORES, *(f"{measure}/{name}" for name in report["classes"] for measure in OF_CLASS))
    rows = tuple((score_title(key), interval_text(scores[key])) for key in keys if key in scores)
    return Section("Quantitative analyses: all test images", (), ("score", "value (95% interval)"), rows)


def _groups(report: dict[str, Any]) -> Section:
    test = report["splits"]["test"]
    parts = [(f"{row.title}: {name}", part) for key, row in GROUPINGS.items() for name, part in test[f"by_{key}"].items()]
    parts += [(SUBSETS[key].title, part) for key, part in test["by_subset"].items() if key in SUBSETS]
    keys = ("auc/COVID-19" if "COVID-19" in report["classes"] else "auc/macro", "balanced_accuracy", "ece")
    rows = tuple(
        (title, f"{part['images']:,}", *(interval_text(part["scores"].get(key)) for key in keys)) for title, part in parts
    )
    return Section(
        "Quantitative analyses: groups",
        (),
        ("group", "images", keys[0].replace("auc/", "AUC, "), "balanced accuracy", "calibration error"),
        rows,
    )


def _caveats(known: Known) -> Section:
    found = [gap_reason(known.card, known.card)]
    if shortcuts := known.shortcuts:
        whole, without = (shortcuts["matrix"][name][name] for name in ("whole image", shortcuts["without_lungs"]))
        found.append(
            f"Shortcuts: from its features of whole images {shortcuts['finding']} is told with AUC {interval_text(whole)}, "
            f"from “{shortcuts['without_lungs']}” {interval_text(without)}."
        )
    return Section("Caveats and recommendations", (*found, *(_failures(known.report) if known.report else ())))


def _failures(report: dict[str, Any]) -> list[str]:
    """Where its prediction sets and its answers fail."""
    found = []
    if conformal := report["conformal"]:
        part, level = conformal["marginal"], conformal["level"]
        broken = [name for name, score in part["by_source"].items() if score["high"] is not None and score["high"] < level]
        found.append(
            f"Prediction sets for {level:.0%} hold the true class in {interval_text(part['coverage'])} of test images; "
            + (f"this is broken on {', '.join(broken)}." if broken else "this is broken on no source for certain.")
        )
    worst = [row for row in report["worst"]["slices"] if row["p"] < 0.05]
    for row in worst[:3]:
        where = ", ".join(f"{column} {value}" for column, value in row["conditions"].items())
        found.append(
            f"It is wrong on {row['error']['value']:.0%} of {row['images']} images: {where} (p {row['p']:.3f}, corrected)."
        )
    return found


def markdown_card(title: str, parts: tuple[Section, ...]) -> str:
    """The card as Markdown."""
    lines = [f"# Model card: {_plain(title)}", ""]
    for part in parts:
        lines += [f"## {part.heading}", ""]
        for paragraph in part.paragraphs:
            lines += [_plain(paragraph), ""]
        if part.rows:
            lines += [_row(part.columns), _row(("---",) * len(part.columns)), *map(_row, part.rows), ""]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    """On one line, and without the brackets of a tag or a picture."""
    return " ".join(text.split()).replace("<", "&lt;").replace("![", "!\\[")


def html_card(title: str, parts: tuple[Section, ...]) -> str:
    """The card as one HTML page without external files."""
    return templates().get_template("model_card.html").render(title=title, sections=parts)
