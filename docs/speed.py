"""Write docs/speed.md from the files in benchmarks/results: `python -m docs.speed`. A test holds the page to them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

FILE: Final = Path(__file__).with_name("speed.md")
RESULTS: Final = Path(__file__).resolve().parent.parent / "benchmarks" / "results"

Results = dict[str, Any]
"""Name of a file, without its ending -> what it holds."""
Unit = Literal["s", "ms", "MB", "%", "times", "lines", "images/s"]

FACTORS: Final[dict[Unit, float]] = {"ms": 1000.0, "%": 100.0}
"""From seconds or shares, as the files have them; 1 for every other unit."""


@dataclass(frozen=True)
class Figure:
    """One row of the table. path, peer: where the values are, first the file, a `/` between keys.

    bar: the most, or with `at_least` the least, that counts as kept; None for a figure without promise.
    """

    what: str
    unit: Unit
    path: str
    peer: str = ""
    peer_is: str = ""
    bar: float | None = None
    at_least: bool = False


NAIVE: Final = "naive page"
CLI: Final = "command_line"
KERAS: Final = "Keras' loader and `predict`"
BEFORE: Final = "before ONNX Runtime"
LARGE: Final = "2,000 x 2,000 pixels"


def on_both(what: str, unit: Unit, path: str, bar: float) -> Figure:
    """A figure of the dashboard whose peer is the same figure of the naive page."""
    return Figure(what, unit, f"app/dashboard/{path}", f"app/{NAIVE}/{path}", NAIVE, bar)


STEPS: Final = ("upload", "another class", "back", "verdict")
"""What each session of benchmarks/load.py does with an image."""

FIGURES: Final = (
    on_both("First picture of a fresh server, on the screen", "s", "first_picture/seconds", 2.5),
    on_both("The same, processor time of the server, its start included", "s", "first_picture/processor_with_start_s", 2.5),
    Figure(
        "From the command to the first picture, the visitor there at once",
        "s",
        "app/dashboard/from_command/seconds",
        f"app/{NAIVE}/from_command/seconds",
        NAIVE,
    ),
    on_both("Anonymous memory after the first heatmap", "MB", "first_answer/memory_mb/anonymous", 300),
    Figure(
        "Anonymous memory after all trust tests, with TensorFlow",
        "MB",
        "app/dashboard/memory_mb/all trust tests/anonymous",
        f"app/{NAIVE}/memory_mb/first heatmap/anonymous",
        f"{NAIVE}, which has no tests",
        700,
    ),
    on_both(f"Upload of a new image of {LARGE} to its heatmap, server", "ms", "clicks/upload/median_s", 400),
    on_both("The same, processor time", "ms", "clicks/upload/processor_median_s", 400),
    on_both(f"Another class of an image of {LARGE}, server", "ms", "clicks/another class/median_s", 60),
    on_both("The same, processor time", "ms", "clicks/another class/processor_median_s", 60),
    Figure(
        "From picture to verdict for Grad-CAM, TensorFlow loaded",
        "s",
        "app/dashboard/trust_panel/verdict_s",
        "app/dashboard/trust_panel_cold/verdict_s",
        "the first of a fresh server, while TensorFlow starts",
        4,
    ),
    Figure(
        "From picture to the last trust test, those that only inform included",
        "s",
        "app/dashboard/trust_panel/seconds",
        "app/dashboard/trust_panel_cold/seconds",
        "the first of a fresh server, while TensorFlow starts",
        4,
    ),
    Figure(f"The same for an image of {LARGE}", "s", "app/dashboard/trust_panel_large/seconds"),
    on_both("Idle share of one core, page open", "%", "idle/processor_share", 2),
    on_both("Lines of log meanwhile", "lines", "idle/log_lines", 0),
    Figure(
        "A control of the viewer, two panels of 1,000 x 1,000 pixels, until the next frame after the change",
        "ms",
        "viewer/side by side/next_frame/median_s",
        "viewer/former figure/median_s",
        "a Plotly redraw, without the server's part",
        50,
    ),
    Figure(
        "A class computed before, from the click until it is drawn",
        "ms",
        "viewer/class seen before/median_s",
        "viewer/bare page/median_s",
        "Streamlit's own share: a page of one box and a ready picture",
        150,
    ),
    Figure(
        "A click while another visitor's trust tests run, median",
        "ms",
        "visitors/click/while tests run/p50_s",
        "visitors/click/alone/p50_s",
        "alone",
    ),
    Figure("The same, 95th percentile", "ms", "visitors/click/while tests run/p95_s", "visitors/click/alone/p95_s", "alone"),
    Figure(
        "The same while those are the server's first tests: TensorFlow starts and compiles the model, median",
        "ms",
        "visitors/click/while the first tests run/p50_s",
        "visitors/click/alone/p50_s",
        "alone",
    ),
    Figure(
        "The server's health answer with two trust panels at work, 95th percentile",
        "ms",
        "visitors/health/two trust panels/p95_s",
        "visitors/health/nobody there/p95_s",
        "nobody there",
    ),
    Figure("Idle share of one core after all visitors have left", "%", "visitors/after all have left/processor_share"),
    Figure(
        "Evaluation report of 100,000 images with 2,000 draws",
        "s",
        "evaluation/report_s",
        "evaluation/plain_loop/seconds_for_all_draws",
        "a plain loop over scikit-learn, fewer scores and no groups",
        60,
    ),
    Figure("The same, processor time", "s", "evaluation/report_processor_s"),
    Figure("A click on the Evaluate page at that size, server", "ms", "evaluation/click_s/group score", bar=300),
    Figure("`predict one.png`, cold", "s", f"{CLI}/predict/seconds", f"{CLI}/predict (Keras)/seconds", KERAS, 1.5),
    Figure("The same, processor time", "s", f"{CLI}/predict/processor_s", f"{CLI}/predict (Keras)/processor_s", KERAS),
    Figure(
        "`explain FOLDER --method gradcam`, start included",
        "images/s",
        f"{CLI}/explain/images_per_s",
        f"{CLI}/before/explain/images_per_s",
        f"{BEFORE}, with half as many pixels",
    ),
    Figure(
        f"The same over the rate {BEFORE}, where the network saw half as many pixels",
        "times",
        f"{CLI}/ratios/images per second over before",
        bar=4,
        at_least=True,
    ),
    Figure("The same without either's start", "times", f"{CLI}/ratios/the same without start", bar=4, at_least=True),
    Figure(
        "`explain FOLDER` without its start",
        "images/s",
        f"{CLI}/explain/images_per_s_without_start",
        f"{CLI}/one by one/images_per_s",
        "`Model.explain` one by one",
    ),
    Figure("Its time over the sum of bare network times", "times", f"{CLI}/ratios/time over bare networks", bar=1.5),
)


def value_at(results: Results, path: str) -> float | None:
    """The number at a path, or None where a file or a key is not there, as for what was skipped."""
    found: Any = results
    for key in path.split("/"):
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return float(found)


def shown(value: float | None, unit: Unit) -> str:
    """A value with its unit, three digits; "not measured" for None.

    Example:
        >>> shown(0.41234, "ms")
        '412 ms'
    """
    if value is None:
        return "not measured"
    value *= FACTORS.get(unit, 1.0)
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}"


def outcome(figure: Figure, value: float | None) -> str:
    """Whether the bar is kept: "kept", "**missed**", or a hyphen where there is none or nothing was measured."""
    if figure.bar is None or value is None:
        return "-"
    value = round(value * FACTORS.get(figure.unit, 1.0), 6)  # a difference of clocks is not exact in its last digits
    return "kept" if (value >= figure.bar if figure.at_least else value <= figure.bar) else "**missed**"


def row(figure: Figure, results: Results) -> str:
    """One line of the table."""
    value = value_at(results, figure.path)
    bar = "-" if figure.bar is None else f"{'at least' if figure.at_least else 'at most'} {figure.bar:g} {figure.unit}"
    peer = f"{shown(value_at(results, figure.peer), figure.unit)} ({figure.peer_is})" if figure.peer else "-"
    return f"| {figure.what} | {shown(value, figure.unit)} | {bar} | {outcome(figure, value)} | {peer} |"


def grad_cam_section(found: Results) -> list[str]:
    """Every case of benchmarks/explain.py, for one image and for a batch, and sessions at once."""
    median = {(case["case"], case["images"]): case["median_s"] for case in found["warm"]}
    counts = sorted({images for _, images in median})
    names = dict.fromkeys(name for name, _ in median)
    rows = [
        f"| {name} | "
        + " | ".join(shown(median.get((name, count)), "ms").replace("not measured", "-") for count in counts)
        + " |"
        for name in names
    ]
    head = [
        "| case | " + " | ".join(f"{count} image{'s' * (count > 1)}" for count in counts) + " |",
        "|---" * (len(counts) + 1) + "|",
    ]
    at_once = [
        f"| {case['threads']} | {case['sessions']} | {case['images_per_s']:.3g} |" for case in found.get("at once", ())
    ]
    parts = ["## Grad-CAM on one EfficientNet-Lite0", "\n".join([*head, *rows])]
    parts += [f"Skipped: {name}, since {reason}." for name, reason in found.get("skipped", {}).items()]
    if at_once:
        text = f"Forward passes on ONNX Runtime at once, each pass with {found['onnx_threads']} threads of its own session:"
        parts += [text, "\n".join(["| threads | sessions | images/s |", "|---|---|---|", *at_once])]
    return parts


def load_section(found: Results) -> list[str]:
    """Every number of sessions of benchmarks/load.py, and the memory over many images of one."""
    rows = [
        f"| {sessions} | {case['images']} | {case['mixed']} | "
        + " | ".join(f"{shown(case[step]['p50_s'], 's')}, {shown(case[step]['p95_s'], 's')}" for step in STEPS)
        + f" | {shown(case['memory_mb']['anonymous'], 'MB')} |"
        for sessions, case in found["at once"].items()
    ]
    head = [f"| sessions | images | answers with another's image | {' | '.join(STEPS)} | memory |", "|---" * 8 + "|"]
    memory = found["memory over images"]
    readings = ", ".join(f"{value:,.0f}" for value in memory["anonymous_mb"])
    text = (
        f"One session after {memory['images']} more images, each new: anonymous memory in MB after every tenth part of them "
        f"{readings}; the last readings are {memory['rise over the plateau']:+.1%} from the highest before."
    )
    return ["## Many visitors at once", "Median and 95th percentile of each step.", "\n".join([*head, *rows]), text]


def machines(results: Results) -> str:
    """When, where and with what each file was measured."""
    lines = []
    for name, found in results.items():
        libraries = ", ".join(f"{library} {number}" for library, number in found["versions"].items())
        lines.append(
            f"- `{name}.json`: {found['date'][:10]}, {found['cpus']} cores, {found['platform']}, load before "
            f"{found['load_before']}, Python {found['python']}, {found['layout']}; {libraries}"
        )
    return "\n".join(lines)


def page(results: Results) -> str:
    """The whole page."""
    about = (
        "Written from `benchmarks/results/` by `python -m docs.speed`. Each figure is beside its peer of the same run: "
        "`python -m benchmarks.app`, or `viewer`, `visitors`, `load`, `command_line`, `explain` and `evaluation`. The naive "
        "page is `benchmarks/naive_page.py`: Keras' loader and `predict`, Grad-CAM by tf-keras-vis, `st.image`. Processor "
        "time and memory are those of the server with the workers it starts."
    )
    head = ["| figure | measured | bar | outcome | peer |", "|---|---|---|---|---|"]
    parts = ["# Speed and memory", about, "\n".join([*head, *(row(figure, results) for figure in FIGURES)])]
    if "load" in results:
        parts += load_section(results["load"])
    if "explain" in results:
        parts += grad_cam_section(results["explain"])
    return "\n\n".join([*parts, "## Where and when", machines(results)]) + "\n"


def measured() -> Results:
    """The results that the page is made of, as far as they are there."""
    names = ("app", "viewer", "visitors", "load", "command_line", "explain", "evaluation")
    files = {name: RESULTS / f"{name}.json" for name in names}
    return {name: json.loads(file.read_text("utf-8")) for name, file in files.items() if file.is_file()}


if __name__ == "__main__":
    FILE.write_text(page(measured()), "utf-8")
