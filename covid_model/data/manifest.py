"""Build, write and read the manifest: Parquet, one row an image."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from covid_model.data.build_report import BuildReport
from covid_model.data.duplicates import joined_groups, near_pairs, perceptual_hash
from covid_model.data.labels import LABELS
from covid_model.data.leave_out import Key, key_of
from covid_model.data.patients import is_known, one_spelling, shared_patients
from covid_model.data.source import in_split_order
from covid_model.data.sources import Source, SourceImage, get_source
from covid_model.data.split import SPLITS, split_by_group
from covid_model.errors import DataError, ImageError
from covid_model.files import written_whole
from covid_model.images.read import load_image
from covid_model.images.view import is_frontal

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

SECOND_READ: Final = "second_read"
"""A column of manifests with images that people read again (`data.source.SourceImage.second_read`)."""

META_KEY: Final = b"covid_model.build"

SecondReads = Literal["keep", "relabel", "leave out"]


def build(
    folders: Mapping[str, Path],
    *,
    own: Mapping[str, Source] | None = None,
    seed: int = 0,
    all_views: bool = False,
    leave_out: Collection[Key] = (),
    keep_splits: Mapping[str, str] | None = None,
    second_reads: SecondReads = "keep",
) -> tuple[pd.DataFrame, BuildReport]:
    """Read the sources `folders` (name -> folder) into one manifest table with COLUMNS, and a report of what was left out.

    The split does not depend on the order of `folders`.

    own: those of the sources that are not in SOURCES (`data.user_source`). seed: of the split. all_views: keep lateral
    images and images without a view. leave_out: digest and file name of images to leave out (`data.leave_out`).
    keep_splits: digest -> split of images of an earlier manifest, for a data set that grows: no image leaves the split that
    a model has met it in, but for test and validation images that a new image joins with training images. second_reads:
    of images that people read again, "keep" the label, "relabel" as they read, or "leave out" those read otherwise; images
    with a finding that is no label are left out by both. Raises DataError for an unknown source, a folder that is not that
    source, or a source without a usable image.
    """
    report = BuildReport(
        seed=seed, views="all" if all_views else "frontal", date=datetime.now(UTC).isoformat("T", "seconds")
    )
    sources = {name: (own or {}).get(name) or get_source(name) for name in in_split_order(folders)}
    listed = []
    for name, source in sources.items():
        images = _known_patients(
            name, folders[name], list(_usable(name, folders[name], source, report, all_views, second_reads)), report
        )
        if not images:
            raise DataError(report.why_nothing(name, folders[name]))
        listed += [(name, image) for image in images]
    with ThreadPoolExecutor() as pool:
        bar = tqdm(pool.map(_read_image, listed), total=len(listed), desc="reading images", unit="image", disable=None)
        read = list(bar)
    records = []
    for (name, image), outcome in zip(listed, read, strict=True):
        if isinstance(outcome, str):
            report.broken.append(f"{name}: {image.path.name}: {outcome}")
        elif key_of(outcome["digest"], image.path) in leave_out:
            report.left_out_listed[name] += 1
        else:
            records.append({"source": name, **outcome})
    read_from = {record["source"] for record in records}
    for name in sources:
        if name not in read_from:
            raise DataError(report.why_nothing(name, folders[name]))
    table = pd.DataFrame.from_records(records)
    _join_patients(table, {name for name, source in sources.items() if source.unique_stems}, report)
    strata = (table["source"] + "/" + table["label"]).tolist()
    kept = _kept_splits(table, keep_splits or {}, report)
    table["split"] = split_by_group(table["group"].tolist(), strata, seed, kept)
    report.kept = Counter(strata)
    report.note_empty(Counter(zip(table["split"], table["label"], strict=True)))
    report.data_hash = data_hash(table)
    return table[[*COLUMNS, *([SECOND_READ] if table[SECOND_READ].any() else [])]], report


def _usable(
    name: str, folder: Path, source: Source, report: BuildReport, all_views: bool, second_reads: SecondReads
) -> Iterator[SourceImage]:
    """The images to read; all others are counted in the report."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give --source {name}=FOLDER of the unpacked download.")
    used: dict[Path, str | None] = {}
    for image in source.read(folder):
        if image.passed_over:
            report.passed_over[name][image.passed_over] += 1
        elif image.problem:
            report.broken.append(f"{name}: {image.problem}")
        elif image.path in used:
            report.repeated_rows[name] += 1
            report.contradicting_rows[name] += image.label not in (None, used[image.path])
        elif image.label is None:
            report.left_out_label[name][image.finding or "(empty)"] += 1
        elif not all_views and not is_frontal(image.view):
            report.left_out_view[name][image.view or "(not stated)"] += 1
        elif not image.path.is_file():
            report.missing_files[name] += 1
            if name not in report.first_missing:
                report.first_missing[name] = str(_inside(image.path, folder))
        else:
            if image.second_read:
                report.second_reads.append((image.label, f"{name}:{image.patient}", image.second_read))
            if (read := _as_read(image, second_reads)) is None:
                report.left_out_read[name] += 1
                continue
            report.relabelled[name] += read.label != image.label
            used[image.path] = image.label
            yield read


def _as_read(image: SourceImage, second_reads: SecondReads) -> SourceImage | None:
    """The image with the label that counts; None where it is to be left out."""
    if second_reads == "keep" or image.second_read in ("", image.label):
        return image
    label = next((label for label in LABELS if label == image.second_read), None)
    return replace(image, label=label) if second_reads == "relabel" and label else None


def _inside(path: Path, folder: Path) -> Path:
    """The path relative to `folder`, where it is inside it."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _known_patients(name: str, folder: Path, images: list[SourceImage], report: BuildReport) -> list[SourceImage]:
    """The images with one spelling for each patient; each image of an unknown patient becomes a patient of its own."""
    spellings = one_spelling(image.patient for image in images if is_known(image.patient))
    ways: dict[str, list[str]] = {}
    for patient, chosen in spellings.items():
        ways.setdefault(chosen, []).append(patient)
    if ways:
        report.respelled[name] = len(ways)
        report.respelled_example[name] = " and ".join(map(repr, sorted(next(iter(ways.values())))))
    found = []
    for image in images:
        if is_known(image.patient):
            patient = spellings.get(image.patient, image.patient)
        else:
            report.unknown_patients[name] += 1
            patient = _inside(image.path, folder).with_suffix("").as_posix()
        found.append(replace(image, patient=patient))
    return found


def _read_image(item: tuple[str, SourceImage]) -> dict[str, Any] | str:
    """The manifest row of one image, or the sentence on why it cannot be read."""
    source, listed = item
    try:
        image = load_image(listed.path)
    except ImageError as error:
        return str(error)
    return {
        "path": str(listed.path.resolve()),
        "patient": f"{source}:{listed.patient}",
        "label": listed.label,
        "finding": listed.finding,
        "view": listed.view,
        "sex": listed.sex,
        "age": listed.age,
        "digest": image.digest,
        "phash": perceptual_hash(image),
        "height": image.shape[0],
        "width": image.shape[1],
        "licence": listed.licence,
        "link": listed.link,
        SECOND_READ: listed.second_read,
    }


def _join_patients(table: pd.DataFrame, unique_stems: set[str], report: BuildReport) -> None:
    """Set `group`, which joins images by patient and by near-duplicate hash; one name for a patient of several sources.

    unique_stems: sources whose file names identify a patient in other sources too.
    """
    renamed = shared_patients(table, unique_stems)
    table["patient"] = table["patient"].replace(renamed)
    report.joined_patients = len(renamed)
    pairs = near_pairs(table["phash"].tolist())
    report.near_duplicate_pairs = len(pairs)
    first_of = {patient: index for index, patient in reversed(list(enumerate(table["patient"])))}
    same_patient = [(first_of[patient], index) for index, patient in enumerate(table["patient"])]
    table["group"] = joined_groups(len(table), same_patient + [(int(i), int(j)) for i, j, _ in pairs])


def _kept_splits(table: pd.DataFrame, keep: Mapping[str, str], report: BuildReport) -> dict[Any, str]:
    """Group -> the split that its images had; the one nearest to training where they had several."""
    before = table["digest"].map(keep)
    kept: dict[Any, str] = {}
    for split in reversed(SPLITS):
        kept |= dict.fromkeys(table.loc[before == split, "group"], split)
    report.kept_splits = int(before.notna().sum())
    report.moved_splits = int((before.notna() & (before != table["group"].map(kept))).sum())
    return kept


def data_hash(table: pd.DataFrame) -> str:
    """sha256 hex over the sorted (digest, label, split) of all images: identifies a data set and split, not its folders."""
    lines = sorted("\t".join(cells) for cells in table[["digest", "label", "split"]].itertuples(index=False))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_manifest(table: pd.DataFrame, report: BuildReport, out: Path) -> None:
    """Write table and report as one Parquet file; an older file is replaced only by a complete one."""
    write_noted(table, json.dumps(vars(report)).encode(), out)


def write_noted(table: pd.DataFrame, note: bytes, out: Path) -> None:
    """As `write_manifest`, with the report as `note_of` gives it: of the manifest that the table was made from."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(out) as partial:
        pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), META_KEY: note}), partial)


def note_of(path: Path) -> bytes:
    """The build report in a manifest, as JSON; without any entry where it has none."""
    return bytes((pq.read_schema(path).metadata or {}).get(META_KEY, b"{}"))


def second_reads_of(path: Path) -> list[tuple[str, str, str]]:
    """Label by the source, patient and second read of each image that people read again, as the manifest's build noted them.

    They are those of before the build followed any of them; empty where there are none or the manifest does not say.
    """
    return [(label, patient, read) for label, patient, read in json.loads(note_of(path)).get("second_reads", [])]


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest's table. Raises DataError when the file is absent, not Parquet, or lacks a column of COLUMNS."""
    if not path.is_file():
        raise DataError(f"No manifest at {path}; make one with `python -m covid_model data build`.")
    try:
        table = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet manifest; build it again with `data build`.") from error
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; build it again with `data build`.")
    return table
