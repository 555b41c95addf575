"""Write docs/reference.md from the tables: `python -m docs.reference`. A test holds the file to the tables."""

from pathlib import Path
from typing import Final

from covid_model.data.sources import SOURCES, Source
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.explain.methods import METHODS, Method
from covid_model.explain.options import Option
from covid_model.input_check.check import REASONS, input_check_card
from covid_model.models.card import read_card
from covid_model.models.specs import DEFAULT_MODEL, MODELS, get_model
from covid_model.settings import SETTINGS, WEIGHTS
from covid_model.trust.audit_record import load_audit_record
from covid_model.trust.trust_tests import TRUST_TESTS
from covid_model.trust.verdict import RULE

FILE: Final = Path(__file__).with_name("reference.md")


def setting(option: Option) -> str:
    """One setting with its range."""
    allowed = ", ".join(option.choices) if option.choices else f"{option.low:g} to {option.high:g}"
    return f"`--{option.name}` ({allowed}; default {option.default})"


def measured_seconds() -> dict[str, float]:
    """Seconds a heatmap by method, as the audit of the default model measured them."""
    card = read_card(WEIGHTS / get_model(DEFAULT_MODEL).card_name)
    methods = load_audit_record(DEFAULT_MODEL, card.weights_sha256).get("methods", {})
    return {key: known["seconds"] for key, known in methods.items()}


def method_section(row: Method, seconds: float | None) -> str:
    """One method: what it shows, what not, where from, seconds a heatmap where they were measured, settings."""
    settings = "; ".join(setting(option) for option in row.options)
    kind = "signed" if row.signed else "not negative"
    where = "taken at a layer" if row.needs_layer else "taken at the input"
    lines = [f"### {row.label} (`{row.key}`)", "", f"{row.shows} {row.limits}", ""]
    measured = f", {seconds:.2g} s an image in the audit of `{DEFAULT_MODEL}`" if seconds is not None else ""
    lines.append(f"{row.family.capitalize()}, {kind}, {where}{measured}. {row.paper}.")
    return "\n".join([*lines, *(["", f"Settings: {settings}."] if settings else [])])


def input_check_section() -> list[str]:
    """Why the input check refuses, and how often it did on test pictures."""
    card = input_check_card()
    rows = [
        f"| {name} | {score['pictures']} | {score['value']:.1%} | {score['low']:.1%} to {score['high']:.1%} |"
        for name, score in card["scores"].items()
    ]
    head = ["| picture | tested | refused | 95% interval |", "|---|---|---|---|"]
    about = f"Measured {card['date'][:10]}, data {card['training']['data_hash'][:12]}. {' '.join(card['limits'])}"
    return ["## The input check", "\n".join(f"- {reason}" for reason in REASONS.values()), "\n".join([*head, *rows]), about]


def samples_section() -> list[str]:
    """Every synthetic image with its distance from the nearest training image and what models take it for."""
    rows = [
        f"| {row.name} | {row.label} | {row.seed} | {row.correlation:.2f} | {row.embedding:.2f} | "
        + ", ".join(f"{key}: {prediction}" for key, prediction in row.predicted.items())
        + " |"
        for row in shipped_samples().values()
    ]
    first = next(iter(shipped_samples().values()))
    head = [
        "| image | drawn as | seed | correlation | likeness | taken for |",
        "|---|---|---|---|---|---|",
    ]
    limits = (
        f"Limits: {first.limits[0]:.2f} and {first.limits[1]:.2f}, what 95% of real images of other patients stay below."
    )
    return ["## Synthetic images", "\n".join([*head, *rows]), limits]


def settings_section() -> list[str]:
    """Every environment variable."""
    rows = [f"| `{row.variable}` | {row.meaning} | {row.default} |" for row in SETTINGS]
    return ["## Settings", "\n".join(["| variable | meaning | without it |", "|---|---|---|", *rows])]


def source_section(row: Source) -> str:
    """One source: where it comes from, what may be done with it, and what its findings become."""
    mapped: dict[str, list[str]] = {}
    for finding, label in row.labels.items():
        mapped.setdefault(label, []).append(finding)
    labels = "; ".join(
        f"{label} from {', '.join(f'`{finding}`' for finding in findings)}" for label, findings in mapped.items()
    )
    special = " All its images show children." if row.children else ""
    lines = [f"### {row.title} (`{row.name}`)", "", f"{row.homepage}. Licence: {row.licence}.{special}", ""]
    lines += [f"Labels: {labels}. Images with other findings are left out and counted.", ""]
    lines.append(row.by_hand or f"`python -m covid_model data fetch {row.name} --out DATA` downloads it.")
    return "\n".join(lines)


def reference() -> str:
    """The whole page."""
    parts = ["# Reference", "Written from the tables by `python -m docs.reference`; change the tables, not this file."]
    parts += ["## Models"]
    parts += [f"- **{row.title}** (`{row.key}`): {row.summary} {' '.join(row.limits)}" for row in MODELS.values()]
    seconds = measured_seconds()
    parts += ["## Explanation methods", *(method_section(row, seconds.get(key)) for key, row in METHODS.items())]
    parts += ["## Trust tests", RULE]
    for test in TRUST_TESTS.values():
        weight = "The verdict rests on it." if test.decides else "For information."
        parts.append(f"### {test.question} (`{test.key}`)\n\n{test.how} {weight} {test.paper}.")
    parts += ["## Sources", *map(source_section, SOURCES.values())]
    parts += [*input_check_section(), *samples_section(), *settings_section()]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(reference(), "utf-8")
