"""Write docs/archive.md, with the figures of benchmarks/results/engine.json: `python -m docs.archive`."""

import json
from pathlib import Path
from typing import Any, Final

from covid_model.engines.engine import MOST
from docs.speed import RESULTS, machines, shown

FILE: Final = Path(__file__).with_name("archive.md")
MILLION: Final = 1_000_000
MACHINES: Final = (1, 10, 100)

USAGE: Final = """# An archive

One command explains a folder, a table of addresses or a bucket of any size, with as many workers as there are cores:

```bash
python -m covid_model explain --images archive --out out
python -m covid_model explain --images manifest.parquet --method gradcam,layercam --workers 8 --out out
python -m covid_model explain --images s3://hospital/chest --engine ray --heatmaps --out out
```

`--images` takes a folder (every file in it, at any depth), a Parquet file with a column `address` or `path` (a
manifest has the second), one file, or a URI that PyArrow can open, such as `file:///data/chest` or
`s3://bucket/folder`. Secrets belong into the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_ENDPOINT_URL` for another server than Amazon's), never into the address.

`out/table` holds Parquet files with one row an image, each written whole: address, digest of the image, model and
digests of weights and settings, predicted class, probabilities, quality of the lung outline, outcome of the input
check, and for each method target, layer and the heatmap's share inside the lungs beside that of an even map. There is
no verdict, since trust tests take seconds an image. An image that fails has a sentence in `error`, and the others go
on. With `--heatmaps`, maps and overlays are saved in `out/heatmaps`, and the column `record` names them.

Run the same command again after an interruption or with more images: addresses that have a row without an error are
not done again, and those with an error are tried again. A folder takes rows of one setting only; choose another
`--out` for others.

`data measure` and `evaluate` take `--engine` and `--workers`, too; without them they work on threads of their own process.
What they write is the same. They continue an interrupted call by the chunk, and end at the first image that cannot be read.

```bash
python -m covid_model data measure --manifest manifest.parquet --out images.parquet --engine local
python -m covid_model evaluate --manifest manifest.parquet --model lungs --out reports/lungs --heatmaps --engine ray
```

The same from Python:

```python
from pathlib import Path

import pandas as pd

from covid_model.archive.run import explain_archive
from covid_model.share.batch import Job

counts = explain_archive("chest.dcm", Job(("gradcam",)), Path("out"), model="lungs", workers=1)
table = pd.read_parquet("out/table")
assert (counts.explained, counts.failed) == (1, 0)
print(table[["predicted", "gradcam/lung_share"]])
```

## Several machines

`pip install -r requirements-ray.txt` on each, beside the same version of this program (a worker with other weights
ends the run). Start Ray's head on one and join the others, as Ray's documentation says, then run the command on the
head:

```bash
ray start --head
ray start --address HEAD:6379
python -m covid_model explain --images s3://hospital/chest --engine ray --out out
ray stop
```

The first command is for the head, the second for every other machine. All must reach the images by the same address,
and with `--heatmaps` share the folder `out`; rows go to the head alone. Without a running Ray, the command starts one
on this machine.

Both engines use the same worker: a process with a model of its own that computes on one thread and reads a few images
ahead. When it dies, its batch is done again image by image in a new process, and only an image at which it dies twice
gets a row with an error. When Ray loses an actor or a machine, it gives its batches to others."""


def seconds_of(found: dict[str, Any], rate: float, count: int) -> float:
    """Seconds for a million images on `count` machines such as the measured one. rate: images per second of one.

    Linear in the machines, up to what the one process that hands out batches and writes rows can do.
    """
    most = min(found["handing out"]["batches_per_s"] * MOST, found["driver"]["rows_per_s"])
    return found["driver"]["listing_a_million_s"] + found["ray"]["2"]["first_s"] + MILLION / min(rate * count, most)


def duration(seconds: float) -> str:
    """Seconds as days, hours or minutes.

    >>> duration(7200), duration(300)
    ('2 hours', '5 minutes')
    """
    for unit, length in (("days", 86_400), ("hours", 3600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 60:.3g} minutes"


def million_row(found: dict[str, Any], name: str, rate: float, image_bytes: float) -> list[str]:
    """The lines of one kind of images."""
    lines = []
    for count in MACHINES:
        seconds = seconds_of(found, rate, count)
        hours, read = count * seconds / 3600, MILLION * image_bytes / seconds
        cells = [name, count, duration(seconds), f"{hours:.1f}", f"{hours * found['cpus']:.1f}", f"{read / 1e6:,.0f} MB/s"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def million(found: dict[str, Any]) -> list[str]:
    """What a million images take."""
    ray, large = found["ray"], found["large"]
    share = ray["2"]["images_per_s"] / found["local"]["2"]["images_per_s"]
    head = ["| images | machines | time | machine-hours | core-hours | reading |", "|---|---|---|---|---|---|"]
    rows = million_row(found, "256 x 256 pixels", ray["2"]["images_per_s"], found["bytes_an_image"])
    rows += million_row(found, "2,000 x 2,000 pixels", large["images_per_s"] * share, large["bytes_an_image"])
    most = found["handing out"]["batches_per_s"] * MOST
    return [
        "## A million images",
        f"Reasoning, not a measurement: a machine is the measured one with {found['cpus']} cores, and machines share "
        "nothing but the process that hands out batches and writes rows. Rates are those of Grad-CAM on Ray with a "
        f"worker a core ({share:.0%} of the local engine's; the local rate of large images is multiplied by that, "
        f"too). One process hands out {found['handing out']['batches_per_s']:.3g} batches of {MOST} a second where the "
        f"work takes no time ({most:,.0f} images), takes in {found['driver']['rows_per_s']:,.0f} rows a second, and "
        f"reads a million addresses in {found['driver']['listing_a_million_s']:.2g} s; the times below respect these "
        "bounds.",
        "\n".join([*head, *rows]),
        f"The rows of a million images take {found['driver']['bytes_a_row'] * MILLION / 1e6:,.0f} MB. For the cost, "
        "multiply the machine-hours by the price of such a machine; it hardly depends on how many share the work. Not "
        "in it: traffic from the bucket, starting the machines, and storage that is slower than the column `reading`, "
        "which then sets the time.",
    ]


def numeral(value: float | None) -> str:
    """Three digits, or a hyphen for what is not there."""
    return "-" if value is None else f"{value:.3g}"


def measured_section(found: dict[str, Any]) -> list[str]:
    """What was measured, in tables."""
    commands, ratios = found["commands"], found["commands"]["ratios"]
    names = {
        "explain --images": "`explain --images` (no files an image)",
        "explain FOLDER": "`explain FOLDER` (overlay, maps and record an image)",
        "one by one": "`Model.explain` one by one",
        "before": "`explain FOLDER` before ONNX Runtime",
    }
    lines = ["| command | images/s | ours over it | images/s without its start | ours over it | processor time an image |"]
    lines.append("|---" * 6 + "|")
    for key, name in names.items():
        row, cells = commands[key], [name]
        for rate in ("images_per_s", "images_per_s_without_start"):
            cells += [numeral(row.get(rate)), numeral(ratios.get(f"{rate} over {key}"))]
        processor = row.get("processor_s_an_image")
        lines.append(f"| {' | '.join(cells)} | {shown(processor, 'ms') if processor else '-'} |")
    scaling = [
        "| engine | one worker | two workers | scaling | first rows after | rows equal |",
        "|---|---|---|---|---|---|",
    ]
    for engine in ("local", "ray"):
        row = found[engine]
        cells = [f"{row['1']['images_per_s']:.3g} images/s", f"{row['2']['images_per_s']:.3g} images/s"]
        cells += [f"{row['scaling']:.3g}", f"{row['2']['first_s']:.2g} s", "yes" if row["equal"] else "**no**"]
        scaling.append(f"| `{engine}` | {' | '.join(cells)} |")
    killed = [
        f"- `{engine}`, {name}: {row['seconds']:.3g} s, rows {'complete and equal' if row['equal'] else '**not equal**'}"
        for engine in ("local", "ray")
        for name, row in found[engine]["killed"].items()
    ]
    return [
        "## Measured",
        f"By `python -m benchmarks.engine` on {found['images']} different synthetic images of 256 x 256 pixels, "
        "Grad-CAM; the fastest of several runs of each command of today, and one run of everything else. `local` with two "
        "workers explained images of 2,000 x 2,000 pixels at "
        f"{found['large']['images_per_s']:.3g} images/s.",
        "\n".join(lines),
        "Its start is that of the command on one image, so the second worker's own start is in all figures of the command; "
        "the rates below begin when every worker is at work. The networks take most of the time, which no engine shortens: "
        "over `explain FOLDER`, which keeps both cores busy by threads, the gain is small.",
        "Ray on a cluster of two nodes with one core each, in processes of this machine beside Ray's own. Rows are compared "
        "but for their seconds, floats to twelve digits:",
        "\n".join(scaling),
        "Ended (SIGKILL) when a third of the rows were there:",
        "\n".join(killed),
        "Not tried: more than this one machine, Amazon's S3 itself (a local server of its protocol was), other stores.",
        machines({"engine": found}),
    ]


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    return "\n\n".join([USAGE, *million(found), *measured_section(found)]) + "\n"


def measured() -> dict[str, Any]:
    """What the benchmark wrote."""
    found: dict[str, Any] = json.loads((RESULTS / "engine.json").read_text("utf-8"))
    return found


if __name__ == "__main__":
    FILE.write_text(page(measured()), "utf-8")
