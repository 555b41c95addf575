"""The report of a manifest build: what was read, left out and changed, in counts and in sentences."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from covid_model import __version__
from covid_model.data.split import SPLITS


@dataclass
class BuildReport:
    """Counts by source; stored in the manifest's own metadata.

    first_missing: path of the first missing file. respelled: patients written in several ways, with one example. empty: a
    sentence for each split without images, or without images of a label that others have. second_reads: label by the source,
    patient and second read of every image that people read again, whatever became of it.
    """

    seed: int
    views: str
    date: str = ""
    version: str = __version__
    kept: Counter[str] = field(default_factory=Counter)
    missing_files: Counter[str] = field(default_factory=Counter)
    first_missing: dict[str, str] = field(default_factory=dict)
    passed_over: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out_label: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out_view: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out_listed: Counter[str] = field(default_factory=Counter)
    left_out_read: Counter[str] = field(default_factory=Counter)
    second_reads: list[tuple[str, str, str]] = field(default_factory=list)
    relabelled: Counter[str] = field(default_factory=Counter)
    repeated_rows: Counter[str] = field(default_factory=Counter)
    contradicting_rows: Counter[str] = field(default_factory=Counter)
    unknown_patients: Counter[str] = field(default_factory=Counter)
    respelled: Counter[str] = field(default_factory=Counter)
    respelled_example: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    joined_patients: int = 0
    near_duplicate_pairs: int = 0
    kept_splits: int = 0
    moved_splits: int = 0
    empty: list[str] = field(default_factory=list)
    data_hash: str = ""

    def lines(self) -> list[str]:
        """The report as lines of text, without counts of zero."""
        found = [f"{title}: {_listed(counts)}" for title, counts in self._counts() if counts]
        found += [
            f"patients written in several ways, {name}: {count}, such as {self.respelled_example[name]}; each counts as one"
            for name, count in self.respelled.items()
        ]
        found.append(f"patients joined across sources: {self.joined_patients}")
        found.append(f"near-duplicate pairs kept in one split: {self.near_duplicate_pairs}")
        if self.kept_splits:
            found.append(
                f"images in the earlier manifest: {self.kept_splits}; of these moved towards training, because a new image "
                f"joins them with others: {self.moved_splits}"
            )
        found += [f"broken: {line}" for line in self.broken]
        found += self.empty
        return found

    def _counts(self) -> list[tuple[str, Counter[str]]]:
        return [
            ("files missing", self.missing_files),
            ("left out because they are in the list to leave out", self.left_out_listed),
            ("left out because people who read them again saw something else", self.left_out_read),
            ("relabelled as people read them again", +self.relabelled),
            ("rows repeated", self.repeated_rows),
            ("of these with another label than the first row of the image, which counts", +self.contradicting_rows),
            ("images without a patient, each a patient of its own", self.unknown_patients),
            *((f"left out by label, {name}", counts) for name, counts in self.left_out_label.items()),
            *((f"left out by view, {name}", counts) for name, counts in self.left_out_view.items()),
            *((f"passed over, {name}", counts) for name, counts in self.passed_over.items()),
        ]

    def why_nothing(self, name: str, folder: Path) -> str:
        """One sentence on why no image of a source is usable, with counts and an example."""
        found = []
        if missing := self.missing_files[name]:
            found.append(f"{missing} files missing, first looked for {self.first_missing[name]} below {folder}")
        if counts := self.left_out_label[name]:
            found.append(f"{counts.total()} left out because their label is not known ({_listed(counts, 3)})")
        if counts := self.left_out_view[name]:
            found.append(f"{counts.total()} left out because their view is not frontal ({_listed(counts, 3)})")
        if listed := self.left_out_listed[name]:
            found.append(f"{listed} in the list to leave out")
        if counts := self.passed_over[name]:
            found.append(f"{counts.total()} passed over ({_listed(counts, 3)})")
        own = [line.removeprefix(f"{name}: ") for line in self.broken if line.startswith(f"{name}: ")]
        if own:
            found.append(f"{len(own)} broken, the first: {own[0].rstrip('.')}")
        return f"No usable image of {name} in {folder}: {'; '.join(found) or 'no files and no rows'}."

    def note_empty(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Note the splits without images. counts: (split, label) -> images."""
        labels = {label for _, label in counts}
        for split in SPLITS:
            lacking = sorted(label for label in labels if not counts.get((split, label)))
            if lacking:
                what = "is empty" if set(lacking) == labels else f"has no {' and no '.join(lacking)}"
                self.empty.append(f"the {split} split {what}: too few patients")


def _listed(counts: Counter[str], most: int | None = None) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common(most))
