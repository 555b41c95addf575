"""Write docs/faults.md from the files in benchmarks/results: `python -m docs.faults`. A test holds the page to them."""

import json
from pathlib import Path
from typing import Any, Final

from docs.speed import RESULTS

FILE: Final = Path(__file__).with_name("faults.md")
NAMES: Final = ("kills", "server_kills", "hostile", "interpreters")

Found = dict[str, Any]


def kills_section(trainer: Found, server: Found) -> str:
    """What was killed, and what was lost."""
    lost = "Nothing was lost." if not server["wrong"] else f"**Wrong: {'; '.join(server['wrong'])}.**"
    return (
        "## Killed at random moments\n\n"
        f"`python -m benchmarks.kills` ({trainer['date'][:10]}): a training was killed {trainer['kills']} times, "
        f"{trainer['in the middle of a line of metrics']} of them in the middle of a line of metrics, and resumed. Of "
        f"{trainer['finished']} that came to their end, {trainer['finished, bit for bit as undisturbed']} are bit for bit "
        "as one that nothing disturbed.\n\n"
        f"`python -m benchmarks.server_kills` ({server['date'][:10]}): what keeps visitors' tags, lists, queries and "
        f"answers was killed {server['kills of what keeps decisions']} times, after it had confirmed "
        f"{server['decisions confirmed before them']:,} decisions, and a whole server with a visitor "
        f"{server['kills of a whole server']} times. {lost}"
    )


def hostile_section(found: Found) -> str:
    """Files that were made to break the reader."""
    rows = [
        f"| {title} | {part['files']:,} | {part['outcomes'].get('sentence', 0):,} | {part['outcomes'].get('image', 0):,} | "
        f"{len(part['broken'])} | {part['slowest']['seconds']:.2f} s | {part['largest worker, MB']} MB |"
        for title, part in ((title, found[title]) for title in ("fixed files", "mutations"))
    ]
    head = [
        "| files | number | one sentence | read | broken | slowest | largest process |",
        "|---|---|---|---|---|---|---|",
    ]
    return (
        f"## Hostile files\n\n`python -m benchmarks.hostile` ({found['date'][:10]}): bombs, lies about sizes, cut and "
        "changed files of every format. Broken would be a traceback, a server that ends, or more than "
        f"{found['allowed']['seconds']:g} s or {found['allowed']['MB']} MB.\n\n" + "\n".join([*head, *rows])
    )


def interpreters_section(found: Found) -> str:
    """Each promised Python."""
    steps = list(dict.fromkeys(step for row in found["interpreters"] for step in row["seconds"]))
    rows = [
        f"| {row.get('versions', {}).get('python', row['interpreter'])} | "
        + " | ".join(f"{row['seconds'][step]:g} s" if step in row["seconds"] else "**failed**" for step in steps)
        + " |"
        for row in found["interpreters"]
    ]
    head = [f"| Python | {' | '.join(steps)} |", "|---" * (len(steps) + 1) + "|"]
    return (
        f"## Each promised Python\n\n`python -m benchmarks.interpreters` ({found['date'][:10]}): the committed files in a "
        f"new folder, the README's installation, and a smoke run. Seconds of each step; the load before was "
        f"{found['load_before']}, {found['cpus']} cores.\n\n" + "\n".join([*head, *rows])
    )


def page(results: dict[str, Found]) -> str:
    """The whole page."""
    about = (
        "# What was tried to break it\n\nWritten from `benchmarks/results/` by `python -m docs.faults`. Each command ends "
        "with exit code 1 where anything is wrong."
    )
    parts = [
        about,
        kills_section(results["kills"], results["server_kills"]),
        hostile_section(results["hostile"]),
        interpreters_section(results["interpreters"]),
    ]
    return "\n\n".join(parts) + "\n"


def measured() -> dict[str, Found]:
    """The results that the page is made of."""
    return {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in NAMES}


if __name__ == "__main__":
    FILE.write_text(page(measured()), "utf-8")
