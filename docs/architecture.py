"""The parts of `covid_model` from top to bottom, and the picture of them: `python -m docs.architecture` writes it.

The architecture test holds the code to this list, so list, picture and code cannot disagree.
"""

from html import escape
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("architecture.svg")

LAYERS: Final[dict[str, str]] = {
    "cli": "the command line, one file a group of commands",
    "build": "what makes the files that ship",
    "archive": "many images by many workers, into Parquet files",
    "share": "what leaves the program: HTML report, batches, tour",
    "viewer": "the image viewer: what it shows, and its JavaScript",
    "plots": "plain results -> Plotly figures",
    "training": "recipes, runs, the trainer, registering a run as a model",
    "audit": "what a model is worth over many images",
    "engines": "a function over many images: threads, processes, a cluster",
    "reader_study": "what people answer before and after a heatmap",
    "api": "load_model, read_image, Model, Result: the front door",
    "trust": "trust tests of one heatmap, and the verdict",
    "evaluation": "scores, intervals by patient, calibration, reports",
    "explain": "explanation methods, targets, Explanation",
    "models": "model specs, cards, loading, user models, replications",
    "data": "sources, manifest, split, browsing, quality, fetch",
    "input_check": "is it a frontal chest X-ray?",
    "lungs": "lung outline",
    "threads": "several items in flight, results in order",
    "backends": "ONNX Runtime for forward passes, TensorFlow for gradients",
    "images": "bytes -> XrayImage (in a worker process) -> model input",
    "sandbox": "run a function in a limited child process",
    "jobs": "commands of this program in processes of their own",
    "progress": "progress of long work, on a terminal and in a log",
    "settings": "environment variables, and where files are",
    "memory": "memory that goes back to the system",
    "files": "files written whole or not at all",
    "errors": "every error, each one sentence",
}
"""Part -> what it holds. A part imports only itself and parts below it."""

ENTRIES: Final = (
    ("pages/ and ui/", "the dashboard"),
    ("python -m covid_model", "the command line"),
    ("a notebook", "five lines"),
)
WIDTH, ROW, TOP = 760, 34, 96


def _box(x: float, y: float, width: float, height: float, title: str, text: str, fill: str) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="#1f6f8b"/>'
        f'<text x="{x + 12}" y="{y + height / 2 + 5}" font-weight="600">{escape(title)}</text>'
        f'<text x="{x + 150}" y="{y + height / 2 + 5}" fill="#4a5c64">{escape(text)}</text>'
    )


def picture() -> str:
    """The architecture as SVG: who calls, and the parts in their order with the one arrow that is allowed."""
    height = TOP + ROW * len(LAYERS) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        "<title>The parts of covid_model in their one order; imports go down only</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="arrow" markerWidth="9" markerHeight="9" refX="4" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#c2571a"/></marker></defs>',
    ]
    for number, (title, text) in enumerate(ENTRIES):
        x = 60 + number * 225
        parts.append(f'<rect x="{x}" y="12" width="205" height="44" rx="5" fill="#f1f5f7" stroke="#17242b"/>')
        parts.append(f'<text x="{x + 102}" y="31" text-anchor="middle" font-weight="600">{escape(title)}</text>')
        parts.append(f'<text x="{x + 102}" y="48" text-anchor="middle" fill="#4a5c64" font-size="12">{escape(text)}</text>')
        down = f'x1="{x + 102}" y1="57" x2="{x + 102}" y2="{TOP - 12}"'
        parts.append(f'<line {down} stroke="#c2571a" stroke-width="2" marker-end="url(#arrow)"/>')
    for number, (name, text) in enumerate(LAYERS.items()):
        fill = "#d9ecf2" if name == "api" else "#f7fafb"
        parts.append(_box(60, TOP + number * ROW, WIDTH - 95, ROW - 5, name, text, fill))
    bottom = TOP + ROW * len(LAYERS) - 12
    parts.append(
        f'<line x1="30" y1="{TOP}" x2="30" y2="{bottom}" stroke="#c2571a" stroke-width="3" marker-end="url(#arrow)"/>'
    )
    parts.append(
        f'<text x="20" y="{(TOP + bottom) / 2}" fill="#c2571a" text-anchor="middle" '
        f'transform="rotate(-90 20 {(TOP + bottom) / 2})">imports go down only</text></svg>'
    )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(picture(), "utf-8")
