"""A manifest's description, confounders and quality as one HTML page and one JSON file, for `data report`."""

from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any, Final

from covid_model.data.browse import ManifestTable
from covid_model.data.confounders import sentences
from covid_model.data.description import Description
from covid_model.data.filters import FILTERS
from covid_model.data.quality import CheckResult, run_checks
from covid_model.errors import DataError
from covid_model.files import write_json, written_whole

LISTED: Final = 200
"""Images of one check that the page lists; the JSON file has all."""
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17242b}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.2rem .7rem;"
    "border-bottom:1px solid #d5dee2;text-align:left}"
    "td.n{text-align:right}.bad{color:#a3330c}summary{cursor:pointer}"
)


def write_report(images: ManifestTable, description: Description, out: Path) -> dict[str, Any]:
    """Write `report.html` and `report.json` to the folder `out`; returns what the JSON holds. description: of the images.

    Raises DataError for a manifest that cannot be read or a folder that cannot be written.
    """
    results = run_checks(images)
    content = {
        "manifest": images.path.name,
        "description": asdict(description),
        "confounders": sentences(description),
        "label_noise": description.noise_sentences,
        "quality": {result.check.key: _cells(result) for result in results},
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "report.json", content)
        with written_whole(out / "report.html") as partial:
            partial.write_text(page(images.path.name, description, results), "utf-8")
    except OSError as error:
        raise DataError(f"The report cannot be written to {out}: {error.strerror}.") from error
    return content


def _cells(result: CheckResult) -> dict[str, Any]:
    check, listed = result.check, result.images.to_dict("records")
    return {"title": check.title, "rule": check.rule, "severe": check.severe, "count": result.count, "images": listed}


def page(name: str, description: Description, results: list[CheckResult]) -> str:
    """The report as one HTML page without scripts or outside addresses."""
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p>{description.images:,} images of {description.patients:,} patients, counted {description.date}, "
        f"data {description.data_hash[:12]}, {escape(description.model or 'not measured')}.</p>",
        "<h2>What gives a label away apart from the lungs</h2>",
        _list(sentences(description) or ["Nothing found."]),
        *(["<h2>Label noise</h2>", _list(description.noise_sentences)] if description.second_reads else []),
        "<h2>Images by label</h2>",
        *(_counts(key, description) for key in description.counts),
        "<h2>Quality</h2>",
        *map(_result, results),
    ]
    head = f'<meta charset="utf-8"><title>{escape(name)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _list(lines: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _counts(key: str, description: Description) -> str:
    labels = description.labels
    rows = "".join(
        f"<tr><td>{escape(value)}</td>"
        + "".join(f'<td class="n">{cells.get(label, 0):,}</td>' for label in labels)
        + "</tr>"
        for value, cells in description.counts[key].items()
    )
    head = f"<tr><th>{escape(FILTERS[key].title)}</th>" + "".join(f"<th>{escape(label)}</th>" for label in labels) + "</tr>"
    return f"<table>{head}{rows}</table>"


def _result(result: CheckResult) -> str:
    check, images = result.check, result.images
    if result.count is None:
        return f"<p><b>{escape(check.title)}</b>: not measured. {escape(check.rule)}</p>"
    bad = ' class="bad"' if check.severe and result.count else ""
    summary = f"<b{bad}>{escape(check.title)}: {result.count:,}</b> {escape(check.rule)}"
    if images.empty:
        return f"<p>{summary}</p>"
    rows = "".join(
        f"<tr><td>{escape(Path(row.path).name)}</td><td>{escape(row.source)}</td><td>{escape(row.label)}</td>"
        f"<td>{escape(row.why)}</td></tr>"
        for row in images.head(LISTED).itertuples()
    )
    more = f"<p>and {result.count - LISTED:,} more</p>" if result.count > LISTED else ""
    return f"<details><summary>{summary}</summary><table>{rows}</table>{more}</details>"
