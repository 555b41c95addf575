"""Write the tables of docs/default-model.md from the results files: `python -m docs.default_model`.

What is above the marker is written by hand. A test holds the tables to the files.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from scipy.special import expit, logit

from covid_model.audit.referee_results import BASELINES, referee_results
from covid_model.audit.shortcut_probes import source_by_label
from covid_model.data.sources import sources_with
from covid_model.evaluation.card_summary import interval_text
from covid_model.evaluation.compare import paired_difference
from covid_model.evaluation.conformal import coverage_by_chance
from covid_model.evaluation.scores import calibration_error_by_chance
from covid_model.evaluation.stored import probability_column, read_report
from covid_model.evaluation.titles import score_title
from covid_model.models.calibration import CARD_POINT
from covid_model.models.specs import MODELS
from covid_model.settings import ASSETS, WEIGHTS
from covid_model.training.ablation import ships
from covid_model.training.cross_validation import PREDICTIONS, RECORD
from covid_model.training.held_out import FINDING, differences, scores

FILE: Final = Path(__file__).with_name("default-model.md")
MARKER: Final = "<!-- Below: written by `python -m docs.default_model` from the results files. -->"
RECORDS: Final = Path(__file__).with_name("cross-validation")
"""A folder for each step of assets/ablation.json, named by its title with hyphens."""
BEFORE: Final = RECORDS / "before"
"""Reports of models that shipped before; each folder is named by the model, or by what that one had."""
INSIDE: Final = "auc/covid-chestxray-dataset"
ABROAD: Final = "without covid-chestxray-dataset/auc_inside"
SCORES: Final = {
    INSIDE: "AUC inside covid-chestxray-dataset",
    ABROAD: "the same, by trainings without it",
    "auc/adults": "AUC among adults",
    f"{ABROAD.partition('/')[0]}/hit/outlines": "pointing game there, outlines, by trainings without it",
    "hit/boxes": "pointing game, boxes",
    "hit/outlines": "pointing game, outlines",
    "named": "source named from the features",
}
"""The scores of a step that the table shows, and their heads."""

FOURTH: Final = ("filled outlines", "tilted", "larger", "tilted and larger")
"""The steps of the fourth round; the others are compared with the first."""
PRETRAINED: Final = "pretrained"
"""The step after the fourth round, compared with the same one."""
FOURTH_SCORES: Final = {
    ABROAD: "AUC inside",
    ABROAD.replace("auc_inside", "auc"): "AUC, negatives from other collections",
    ABROAD.replace("auc_inside", "sensitivity"): "sensitivity at 95% specificity",
    ABROAD.replace("auc_inside", "hit/outlines"): "pointing game, outlines",
}
"""The scores that the steps of the fourth round are compared by, and their heads."""
THIRD: Final = "guided outlines"
CROSS_VALIDATED: Final = {
    INSIDE: SCORES[INSIDE],
    ABROAD: SCORES[ABROAD],
    "auc/adults": SCORES["auc/adults"],
    "balanced_accuracy": "balanced accuracy of the three classes",
    "hit/boxes": SCORES["hit/boxes"],
    "hit/outlines": SCORES["hit/outlines"],
}
"""The scores that the candidate of the fourth round is compared with the recipe of the third by, and their heads."""

LEAST: Final = 1e-6
"""Nearest that a probability comes to 0 or 1 before its logit is taken."""

Cells = dict[str, Any]


def _folder(title: str) -> Path:
    """Where the record of a step is."""
    return RECORDS / title.replace(" ", "-")


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def criterion(scores: Cells) -> str:
    """The mean of the two AUCs inside covid-chestxray-dataset that candidates are compared by; a first look has only one."""
    return f"{(scores[INSIDE]['value'] + scores[ABROAD]['value']) / 2:.3f}" if INSIDE in scores else "-"


def steps_table(steps: list[dict[str, Any]]) -> list[str]:
    """One row a step: its settings, the criterion, and the scores with their intervals."""
    lines = [f"| step | settings that differ from the first | criterion | {' | '.join(SCORES.values())} |"]
    lines.append("|---" * (3 + len(SCORES)) + "|")
    for number, step in enumerate(steps):
        changed = ", ".join(f"`{name}` {value}" for name, value in step["settings"].items()) if number else ""
        link = f"cross-validation/{_folder(step['title']).name}/{RECORD}"
        cells = [f"[{step['title']}]({link})", changed, criterion(step["scores"])]
        cells += [interval_text(step["scores"].get(name)) for name in SCORES]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def chosen() -> Cells:
    """The scores of all cross-validations with the settings that the default model was trained with."""
    settings = _read(WEIGHTS / MODELS["lungs"].card_name)["training"]["settings"]
    found: Cells = {}
    for path in sorted(RECORDS.glob(f"*/{RECORD}")):
        record = _read(path)
        if ships([record], settings)[0]:
            found |= record["scores"]
    return found


def bars(chosen: Cells) -> Iterator[tuple[str, str, Cells | None, bool]]:
    """(measure, bar, what was reached, does that keep the bar?). chosen: scores of the chosen step."""
    report, shortcuts = (_read(ASSETS / "reports" / "lungs" / f"{name}.json") for name in ("report", "shortcuts"))
    source, before = _read(WEIGHTS / "lungs.source.json"), _read(BEFORE / "lungs" / "lungs.source.json")
    test = report["splits"]["test"]

    def least(measure: str, score: Cells | None, bar: float) -> tuple[str, str, Cells | None, bool]:
        return measure, f"at least {bar:.3g}", score, bool(score) and score["value"] >= bar  # type: ignore[index]

    def most(measure: str, score: Cells, bar: float) -> tuple[str, str, Cells | None, bool]:
        return measure, f"at most {bar:.2g}", score, score["value"] <= bar

    yield least("AUC inside covid-chestxray-dataset, cross-validated", chosen[INSIDE], 0.85)
    yield least("AUC among adults of all collections, cross-validated", chosen["auc/adults"], 0.95)
    hannover = test["by_source"]["covid-19-image-repository"]["scores"]["sensitivity/COVID-19"]
    yield least("sensitivity on the Hannover test images at 95% specificity", hannover, 0.95)
    abroad = chosen.get("without covid-cxnet/sensitivity")
    yield least("sensitivity on COVID-CXNet by a training without it, at 95% specificity", abroad, 0.80)
    for name in ("boxes", "outlines"):
        yield least(f"pointing game, {name}, cross-validated", chosen[f"hit/{name}"], max(0.70, _baseline(name) + 0.10))
    yield most("shortcut ratio of the silhouette", _plain(shortcuts["shortcut_ratio"]), 0.35)
    limit = before["balanced_accuracy"]["value"] - 0.15
    yield most("balanced accuracy of the source classifier, 0.15 below the model before", source["balanced_accuracy"], limit)
    yield most("calibration error on test images", test["scores"]["ece"], 0.03)
    coverage = report["conformal"]["marginal"]["coverage"]
    yield "coverage of 90% prediction sets on test images", "0.88 to 0.92", coverage, 0.88 <= coverage["value"] <= 0.92
    yield most("milliseconds for one image, without reading it", _plain(report["milliseconds"]), 40)
    yield most("megabytes of weights", _plain((WEIGHTS / MODELS["lungs"].weights_name).stat().st_size / 1e6), 20)


def change_table(titles: Sequence[str], before: str, shown: Mapping[str, str]) -> list[str]:
    """By how much steps differ from the one `before`, on the same images and draws. shown: score -> its head."""
    lines = [f"| step | {' | '.join(shown.values())} |", "|---" * (1 + len(shown)) + "|"]
    rows = pd.read_parquet(_folder(before) / PREDICTIONS)
    for title in titles:
        change = differences(pd.read_parquet(_folder(title) / PREDICTIONS), rows)
        lines.append(f"| {title} | {' | '.join(interval_text(change[name]) for name in shown)} |")
    return lines


def together(steps: list[dict[str, Any]]) -> str:
    """What the mean of the logits of all first looks says of images of the source that none of them has seen.

    One network that learned from all of them by distillation would learn this mean (Hinton 2015, arXiv 1503.02531).
    """
    name, column = ABROAD.partition("/")[0], probability_column(FINDING)
    parts = []
    for step in steps:
        path = _folder(step["title"]) / PREDICTIONS
        if path.is_file():
            rows = pd.read_parquet(path)
            parts.append(rows[rows["fold"] == name].drop_duplicates("digest").set_index("digest"))
    logits = pd.concat([logit(part[column].clip(LEAST, 1 - LEAST)) for part in parts], axis=1).dropna()
    mean = parts[0].loc[logits.index].assign(**{column: expit(logits.mean(axis=1))}).reset_index()
    best = max((step["scores"][ABROAD]["value"], step["title"]) for step in steps)
    return (
        f"The mean of the logits of {len(parts)} trainings ranks the images of the collection that none of them has seen "
        f"with an AUC of {interval_text(scores(mean)[ABROAD])}; alone, the best of them (*{best[1]}*) reaches "
        f"{best[0]:.2f}. A network distilled from them would learn this mean."
    )


def _plain(value: float) -> Cells:
    """A number without an interval."""
    return {"value": value, "low": None, "high": None}


def _baseline(referee: str) -> float:
    """The pointing game of the best map that needs no model, on all images of a referee."""
    maps = referee_results()["splits"]["all"][referee]["maps"]
    return max(float(one["scores"]["hit"]["value"]) for one in maps if one["model"] == BASELINES)


def beside_table(folder: Path) -> list[str]:
    """A model and one before it on the same test images, with the difference by the same draws of patients."""
    then = read_report(folder)
    model = then.content["model"]
    now = read_report(ASSETS / "reports" / model)
    before = "the model before" if folder.name == model else folder.name.replace("-", " ")
    lines = [f"| `{model}`, on the same test images | images | {before} | now | difference |", "|---" * 5 + "|"]
    children = sources_with(lambda source: source.children)
    parts = {"all": now.predictions["source"].notna()}
    parts["without collections of children"] = ~now.predictions["source"].isin(children)
    parts |= {source: now.predictions["source"] == source for source in sorted(set(now.predictions["source"]))}
    for title, part in parts.items():
        rows = now.predictions[part & (now.predictions["split"] == "test")].drop_duplicates("digest")
        same = then.predictions.drop_duplicates("digest").set_index("digest").loc[rows["digest"]].reset_index()
        cases = now.cases(rows), then.cases(same)
        first, second = (
            one.thresholds(report.thresholds_by_class, CARD_POINT) for one, report in zip(cases, (now, then), strict=True)
        )
        found = paired_difference(*cases, (first, second))
        for name in ("auc/COVID-19", "sensitivity/COVID-19", "specificity/COVID-19"):
            score = found.get(name)
            if score and score["difference"]["value"] is not None:
                cells = (interval_text(score[one]) for one in ("second", "first", "difference"))
                lines.append(f"| {score_title(name)}: {title} | {len(rows)} | {' | '.join(cells)} |")
    return lines


def limits_of_bars() -> str:
    """What chance and the labels alone give of three measures."""
    report = read_report(ASSETS / "reports" / "lungs")
    bins = report.content["reliability"]
    ece, conformal = calibration_error_by_chance(bins["images"], bins["confidence"]), report.content["conformal"]
    coverage = coverage_by_chance(conformal["calibrated_on"], report.test["images"], conformal["level"])
    return (
        f"Chance and the labels alone leave little room for three bars. On {report.test['images']} test images, a perfectly "
        f"calibrated model as sure as this one measures a calibration error of {ece[0]:.3f} to {ece[1]:.3f}. Exact "
        f"prediction sets, calibrated on {conformal['calibrated_on']} images, cover {coverage[0]:.2f} to {coverage[1]:.2f} "
        "of the test images. And whoever knows the label and nothing else names the source with a balanced accuracy of "
        f"{interval_text(source_by_label(report.predictions))}, since each collection has its own mix of labels."
    )


def tables() -> str:
    """Everything below the marker."""
    record = _read(ASSETS / "ablation.json")
    lines = ["| measure | bar | reached | |", "|---|---|---|---|"]
    for measure, bar, score, kept in bars(chosen()):
        lines.append(f"| {measure} | {bar} | {interval_text(score)} | {'kept' if kept else '**missed**'} |")
    parts = [
        "## Steps",
        f"On data `{record['steps'][-1]['data_hash'][:12]}`; intervals are by patient. Each record has all scores, and most "
        "have the predictions beside them. Changes from the first step, on the same images and draws, are on the Evaluate "
        "page under “Training”.",
        "\n".join(steps_table(record["steps"])),
        together(record["steps"]),
        f"The steps of the fourth round, and *{PRETRAINED}*, less *{FOURTH[0]}*, by trainings without "
        "covid-chestxray-dataset, on the same images and draws of patients:",
        "\n".join(change_table((*FOURTH[1:], PRETRAINED), FOURTH[0], FOURTH_SCORES)),
        f"*{FOURTH[-1]}* less *{THIRD}*, whose recipe it replaced, by cross-validation:",
        "\n".join(change_table(FOURTH[-1:], THIRD, CROSS_VALIDATED)),
        "## What the default model reaches",
        "\n".join(lines),
        limits_of_bars(),
        "## Beside the models before",
        *("\n".join(beside_table(folder)) for folder in sorted(BEFORE.iterdir())),
    ]
    return "\n\n".join(parts) + "\n"


def page() -> str:
    """The page with today's tables below its own text."""
    return f"{FILE.read_text('utf-8').partition(MARKER)[0]}{MARKER}\n\n{tables()}"


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
