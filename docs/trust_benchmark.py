"""Write the tables of docs/trust-benchmark.md from the results files: `python -m docs.trust_benchmark`.

What is above the marker is written by hand. A test holds the tables to the files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from covid_model.audit.referee_results import PUBLISHED, TITLES, UNSURE, referee_results
from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS
from covid_model.trust.benchmark import DEFAULT_RULE, EVIDENCE, HALVES, benchmark, benchmark_line, default_line, map_label
from covid_model.trust.trust_tests import TRUST_TESTS

FILE: Final = Path(__file__).with_name("trust-benchmark.md")
MARKER: Final = "<!-- Below: written by `python -m docs.trust_benchmark` from the results files. -->"

Cells = Mapping[str, Any]


def number(cells: Cells | None, *, share: bool = False) -> str:
    """A value with its interval, "-" where there is none.

    >>> number({"value": 0.5, "low": 0.25, "high": 0.75})
    '0.50 [0.25, 0.75]'
    """
    if cells is None or cells["value"] is None:
        return "-"
    one = (lambda value: f"{value:.0%}") if share else (lambda value: f"{value:.2f}")
    around = "" if cells["low"] is None else f" [{one(cells['low'])}, {one(cells['high'])}]"
    return f"{one(cells['value'])}{around}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] + [""]


def models_section(found: Cells) -> list[str]:
    """How many models, and what they came to use."""
    counts, criterion = found["counts"], found["criterion"]
    networks = ", ".join(f"{count} {name}" for name, count in counts["networks"].items())
    lines = [
        "## The models",
        "",
        f"{counts['models']} models ({networks}), seeds {', '.join(map(str, found['seeds']))}, {found['date'][:10]}: "
        f"{counts['used']} use their shortcut (effect {criterion['used']:.2f} or more), {counts['not used']} do not "
        f"(less than {criterion['not_used']:.2f} either way), {counts['between']} are in between and enter no rate, "
        f"{counts['not_learned']} learned nothing and are left out.",
        "",
    ]
    rows = [
        [
            strength,
            str(c["models"]),
            str(c["used"]),
            str(c["not used"]),
            f"{c['shortcut_effect']:.2f}",
            number(c["not supported"], share=True),
        ]
        for strength, c in sorted(found["strengths"].items(), key=lambda item: float(item[0]))
    ]
    head = ["strength", "models", "use it", "do not", "mean effect", "heatmaps not supported"]
    return lines + table(head, rows)


def verdict_section(found: Cells) -> list[str]:
    """The error rates of the verdict, over all models and on each half."""
    lines = ["## The verdict", "", benchmark_line(found["default_method"]), ""]
    words = ("not supported", "supported", "withheld")
    rows = []
    for method, cells in found["verdict"]["shortcut"].items():
        for half in ("all", *HALVES) if method == found["default_method"] else ("all",):
            both = [number(cells[half][use][word], share=True) for word in words for use in ("used", "not used")]
            rows.append([map_label(method), half, *both])
    for rule, other in found["verdict"]["other rules"].items():
        both = [number(other["all"][use][word], share=True) for word in words for use in ("used", "not used")]
        rows.append([f"{map_label(found['default_method'])}, {rule}", "all", *both])
    for planted, cells in found["verdict"]["planted"].items():
        rows.append([map_label(planted), "all", "", number(cells, share=True), *[""] * 4])
    head = ["method", "models", *(f"{word}: {use}" for word in words for use in ("shortcut used", "not used"))]
    return lines + table(head, rows)


def tests_section(found: Cells) -> list[str]:
    """Every trust test against both truths, for the default method and on each half."""
    lines = ["## The tests", "", "Truth 1: the model uses the shortcut. Default method; AUC over models.", ""]
    head = ["test", "decides", "caught", "false alarms", "cannot decide", "AUC", "AUC, half A", "AUC, half B", "useful"]
    rows = []
    for test, cells in found["tests"].items():
        own = cells["shortcut"][found["default_method"]]
        shares = [number(own["all"][key], share=True) for key in ("sensitivity", "false_alarms", "undecided")]
        useful = " and ".join(half for half in HALVES if cells["useful"][half]["shortcut"]) or "no"
        areas = [number(own[half]["auc"]) for half in ("all", *HALVES)]
        rows.append([test, "yes" if TRUST_TESTS[test].decides else "no", *shares, *areas, useful])
    lines += table(head, rows)
    lines += ["Other methods, AUC for truth 1:", ""]
    methods = list(next(iter(found["tests"].values()))["shortcut"])
    rows = [
        [test, *(number(cells["shortcut"][method]["all"]["auc"]) for method in methods)]
        for test, cells in found["tests"].items()
    ]
    lines += table(["test", *map(map_label, methods)], rows)
    lines += [
        "Truth 2: the heatmap ignores the model. Planted maps against the default method, on models without shortcut.",
        "",
    ]
    rows = []
    for test, cells in found["tests"].items():
        useful = " and ".join(half for half in HALVES if cells["useful"][half]["planted"]) or "no"
        for planted, own in cells["planted"].items():
            shares = [number(own["all"][key], share=True) for key in ("sensitivity", "false_alarms")]
            rows.append([test, map_label(planted), *shares, number(own["all"]["auc"]), useful])
    return lines + table(["test", "planted map", "caught", "false alarms", "AUC", "useful"], rows)


def kinds_section(found: Cells) -> list[str]:
    """What fails by kind of shortcut, of models that use it."""
    lines = ["## By shortcut", "", "Heatmaps of models that use it that fail, default method.", ""]
    tests = list(found["lines"])
    rows = [
        [SHORTCUTS[kind].label, str(cells["used"]["verdict"]["models"])]
        + [number(cells["used"][test], share=True) for test in (*tests, "verdict")]
        + [number(found["named"][kind], share=True)]
        for kind, cells in found["kinds"].items()
    ]
    lines += table(["shortcut", "models", *tests, "verdict", "rightly named"], rows)
    named = number(found["named"]["all"], share=True)
    return [
        *lines,
        f"Where an edit changes the answer of a model that uses its shortcut, the edit that changes it most takes that "
        f"shortcut away on {named} of images; by shortcut in the last column.",
        "",
    ]


def lines_section(found: Cells) -> list[str]:
    """Pass lines chosen on one half and reported on the other."""
    lines = [
        "## Pass lines",
        "",
        "The line with the most caught less false alarms on one half, reported on the other: of stability and randomisation "
        "against planted maps, of the others against models that use their shortcut.",
        "",
    ]
    rows = []
    for test, cells in found["lines"].items():
        for half in HALVES:
            own = cells[f"chosen on {half}"]
            shares = [number(own[key], share=True) for key in ("sensitivity", "false_alarms")]
            rows.append([test, f"{cells['hand_picked']:.2f}", half, f"{own['line']:.2f}", *shares])
    return lines + table(["test", "line as it is", "chosen on", "line", "caught on the other", "false alarms there"], rows)


def evidence_section(found: Cells) -> list[str]:
    """Which method finds the planted evidence."""
    lines = ["## Which method finds the planted evidence?", "", f"{default_line(found)} {DEFAULT_RULE}", ""]
    scores = {"hit": "pointing game", "energy": "energy inside", "auprc": "AUPRC", "better": "AUPRC less the default's"}
    for evidence, models in EVIDENCE.items():
        known = found["evidence"][evidence]
        lines += [f"### The {evidence}, in {models}", ""]
        best_first = sorted(known["all"], key=lambda name: -(known["all"][name]["auprc"]["value"] or 0))
        rows = [
            [map_label(name), str(known["all"][name]["auprc"]["models"])]
            + [number(known["all"][name][score]) for score in scores]
            for name in best_first
        ]
        lines += table(["map", "models", *scores.values()], rows)
        lines += [f"The {evidence} by half:", ""]
        rows = [
            [map_label(name)] + [number(known[half].get(name, {}).get(score)) for score in scores for half in HALVES]
            for name in best_first
        ]
        lines += table(["map", *(f"{title}, {half}" for title in scores.values() for half in HALVES)], rows)
    encoded = found["encoded"]
    return [
        *lines,
        "## Encoded is not used",
        "",
        f"A probe on the features reads the shortcut with an accuracy of {number(encoded['used'])} in models that use it "
        f"and of {number(encoded['not used'])} in models that do not (chance 0.50); AUC {number(encoded['auc'])}.",
        "",
    ]


def better(maps: list[Cells]) -> str:
    """How many maps of each model agree better with a referee than the best baseline, beyond chance."""
    tested = [one for one in maps if "p_holm" in one["to_baseline"]]
    found = []
    for model in dict.fromkeys(one["model"] for one in tested):
        own = [one["to_baseline"] for one in tested if one["model"] == model]
        if count := sum(gap["value"] > 0 and gap["p_holm"] < UNSURE for gap in own):
            found.append(f"{count} of {len(own)} of `{model}`")
    return f" Maps better than it beyond chance: {', '.join(found) or 'none'}." if tested else ""


def referees_section(found: Cells) -> list[str]:
    """Heatmaps against radiologists."""
    lines = []
    for referee, title in TITLES.items():
        primary = found["primary"][referee]
        for split, referees in found["splits"].items():
            own = referees[referee]
            if not own["images"]:
                continue
            lines += [
                f"## {title[0].upper()}{title[1:]}, {split} images",
                "",
                f"{own['images']} images of {own['patients']} patients; best baseline: {own['best_baseline']}."
                f"{better(own['maps'])}",
                "",
            ]
            scores = ["hit", "energy", "auprc"] if primary == "auprc" else ["senior", "junior"]
            gaps = [f"{primary} less the best baseline's", "p (Holm)", f"{primary} less the default's"]
            rows = []
            for one in own["maps"]:
                gap = one["to_baseline"]
                tested = "p_holm" in gap
                last = [number(gap), f"{gap['p_holm']:.3f}", number(one["to_default"])] if tested else ["", "", ""]
                rows.append(
                    [one["model"], map_label(one["method"]), *(number(one["scores"].get(score)) for score in scores), *last]
                )
            lines += table(["model", "map", *scores, *gaps], rows)
            if referee == "zones":
                lines += [f"The junior radiologist against the senior: {number(own['junior against senior'])}.", ""]
    return lines


def tables() -> str:
    """Everything below the marker."""
    found, lines = benchmark(), []
    if found:
        parts = (models_section, verdict_section, tests_section, kinds_section, lines_section, evidence_section)
        lines += [line for part in parts for line in part(found)]
    if referees := referee_results():
        lines += ["# Three human referees", "", PUBLISHED, "", *referees_section(referees)]
    return "\n".join(lines).rstrip() + "\n"


def page() -> str:
    """The page: its part by hand, then the tables."""
    return f"{FILE.read_text('utf-8').partition(MARKER)[0]}{MARKER}\n\n{tables()}"


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
