"""Build, write and read the manifest: Parquet, one row an image."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from covid_model import __version__
from covid_model.data.duplicates import joined_groups, near_pairs, perceptual_hash
from covid_model.data.sources import Row, Source, get_source
from covid_model.data.split import split_by_group
from covid_model.errors import DataError, ImageError
from covid_model.files import written_whole
from covid_model.images.read import load_image

FRONTAL: Final = frozenset({"PA", "AP", "AP SUPINE"})
"""Values of `view` (upper case) that are frontal images. Images of unstated view are left out unless asked for."""

COLUMNS: Final = [
    "path",
    "source",
    "patient",
    "group",
    "label",
    "finding",
    "view",
    "sex",
    "age",
    "split",
    "digest",
    "phash",
    "height",
    "width",
    "licence",
    "link",
]

META_KEY: Final = b"covid_model.build"


@dataclass
class BuildReport:
    """What a build saw and left out, by source; stored in the manifest's own metadata."""

    seed: int
    views: str
    date: str = ""
    version: str = __version__
    kept: Counter[str] = field(default_factory=Counter)
    missing_files: Counter[str] = field(default_factory=Counter)
    left_out_label: dict[str, Counter[str]] = field(default_factory=dict)
    left_out_view: dict[str, Counter[str]] = field(default_factory=dict)
    repeated_rows: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    joined_patients: int = 0
    near_duplicate_pairs: int = 0
    data_hash: str = ""


def build(
    folders: Mapping[str, Path], *, own: Mapping[str, Source] | None = None, seed: int = 0, all_views: bool = False
) -> tuple[pd.DataFrame, BuildReport]:
    """Read the sources `folders` (name -> folder) into one manifest table with COLUMNS, and a report of what was left out.

    own: sources among them that are not in SOURCES (`data.user_source`). all_views keeps lateral images and images of
    unstated view. Raises DataError for an unknown source, a folder that is not that source, or when no image is left.
    """
    report = BuildReport(
        seed=seed, views="all" if all_views else "frontal", date=datetime.now(UTC).isoformat("T", "seconds")
    )
    sources = {name: (own or {}).get(name) or get_source(name) for name in folders}
    rows = list(_usable_rows(folders, sources, report, all_views))
    with ThreadPoolExecutor() as pool:
        read = list(
            tqdm(
                pool.map(_read_row, rows),
                total=len(rows),
                desc="reading images",
                unit="image",
                disable=len(rows) < 2 or None,
            )
        )
    records = []
    for (source, row), outcome in zip(rows, read, strict=True):
        if isinstance(outcome, str):
            report.broken.append(f"{source}: {row.path.name}: {outcome}")
        else:
            records.append({"source": source, **outcome})
    if not records:
        raise DataError(f"No usable image in {', '.join(map(str, folders.values()))}; check the folders and the labels.")
    table = pd.DataFrame.from_records(records)
    _join_patients(table, report)
    strata = (table["source"] + "/" + table["label"]).tolist()
    table["split"] = split_by_group(table["group"].tolist(), strata, seed)
    report.kept = Counter(strata)
    report.data_hash = data_hash(table)
    return table[list(COLUMNS)], report


def _usable_rows(
    folders: Mapping[str, Path], sources: Mapping[str, Source], report: BuildReport, all_views: bool
) -> Iterator[tuple[str, Row]]:
    """The rows worth opening; everything else is counted in the report."""
    for name, folder in folders.items():
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; give --source {name}=FOLDER of the unpacked download.")
        seen: set[Path] = set()
        labels = report.left_out_label.setdefault(name, Counter())
        views = report.left_out_view.setdefault(name, Counter())
        for row in sources[name].read(folder):
            if row.problem:
                report.broken.append(f"{name}: {row.problem}")
            elif row.path in seen:
                report.repeated_rows[name] += 1
            elif row.label is None:
                labels[row.finding or "(empty)"] += 1
            elif not all_views and row.view.upper() not in FRONTAL:
                views[row.view or "(not stated)"] += 1
            elif not row.path.is_file():
                report.missing_files[name] += 1
            else:
                yield name, row
            seen.add(row.path)


def _read_row(item: tuple[str, Row]) -> dict[str, Any] | str:
    """A manifest record of one image, or the sentence that says why it cannot be read."""
    source, row = item
    try:
        image = load_image(row.path)
    except ImageError as error:
        return str(error)
    return {
        "path": str(row.path.resolve()),
        "patient": f"{source}:{row.patient}",
        "label": row.label,
        "finding": row.finding,
        "view": row.view,
        "sex": row.sex,
        "age": row.age,
        "digest": image.digest,
        "phash": perceptual_hash(image),
        "height": image.shape[0],
        "width": image.shape[1],
        "licence": row.licence,
        "link": row.link,
    }


def _join_patients(table: pd.DataFrame, report: BuildReport) -> None:
    """Set `group`, and give one name to a patient who stands in several sources.

    An image of covid-chestxray-dataset whose file stem is an image of the Hannover repository shows the same patient.
    Groups join images by patient and by near-duplicate hash.
    """
    stems = table["path"].map(lambda path: Path(path).stem)
    hannover = table["source"] == "covid-19-image-repository"
    known = dict(zip(stems[hannover], table.loc[hannover, "patient"], strict=True))
    cohen = (table["source"] == "covid-chestxray-dataset") & stems.isin(known)
    renamed = dict(zip(table.loc[cohen, "patient"], stems[cohen].map(known), strict=True))
    table["patient"] = table["patient"].replace(renamed)
    report.joined_patients = len(renamed)
    pairs = near_pairs(table["phash"].tolist())
    report.near_duplicate_pairs = len(pairs)
    first_of = {patient: index for index, patient in reversed(list(enumerate(table["patient"])))}
    same_patient = [(first_of[patient], index) for index, patient in enumerate(table["patient"])]
    table["group"] = joined_groups(len(table), same_patient + [(int(i), int(j)) for i, j, _ in pairs])


def data_hash(table: pd.DataFrame) -> str:
    """sha256 hex over the sorted (digest, label, split) of every image: names a data set and its split, not its folders."""
    lines = sorted("\t".join(cells) for cells in table[["digest", "label", "split"]].itertuples(index=False))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_manifest(table: pd.DataFrame, report: BuildReport, out: Path) -> None:
    """Write table and report as one Parquet file, in place of an older one only when complete."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    meta = {**(arrow.schema.metadata or {}), META_KEY: json.dumps(vars(report)).encode()}
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(out) as partial:
        pq.write_table(arrow.replace_schema_metadata(meta), partial)


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest's table. Raises DataError when the file is absent, not Parquet, or lacks a column of COLUMNS."""
    if not path.is_file():
        raise DataError(f"No manifest at {path}; make one with `python -m covid_model data build`.")
    try:
        table = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet manifest: {error}") from error
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; build it again with `data build`.")
    return table
