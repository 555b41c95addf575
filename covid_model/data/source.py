"""A source: one row with everything that the project knows of a public data set or of a user's own images."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from covid_model.data.labels import Label, common_label, mapped_label
from covid_model.errors import DataError

FIELDS: Final = ("path", "label", "patient", "finding", "view", "sex", "age", "licence", "link")
"""The fields that columns of a source's table are mapped to."""
OTHER_READ: Final = "another finding"
"""A second read that is none of the labels."""


@dataclass(frozen=True)
class SourceImage:
    """One image as its source describes it.

    patient: as the source writes it, "" where unknown. view: "PA", "AP", "AP Supine", "Frontal", "L" or "" where unstated.
    sex: "M", "F" or "". age: years or None. problem: a sentence where the row is unusable. passed_over: why this file is not
    an X-ray of the source, as a category that can be counted; "" for those that are. second_read: the label that people gave
    who read the image again, OTHER_READ for a finding that is none of the labels, "" where nobody did.
    """

    path: Path
    patient: str = ""
    finding: str = ""
    label: Label | None = None
    view: str = ""
    sex: str = ""
    age: float | None = None
    licence: str = ""
    link: str = ""
    problem: str = ""
    passed_over: str = ""
    second_read: str = ""

    @property
    def usable(self) -> bool:
        """Has it a label, and no reason to leave it out?"""
        return self.label is not None and not self.problem and not self.passed_over


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source. name: on the command line and in the manifest. folders: usual names of its folder.

    labels: finding -> label; findings without one are left out. common_names: are the labels' common names understood too?
    reader: lists the images of a folder without opening them, for most sources `readers.read_listed` or
    `readers.read_classes`; raises DataError when the folder is not that source.

    For `read_listed`: tables, the names that the table may have; columns, field (FIELDS) -> column, or several of which one
    is there; required, fields whose column must be there; only, column -> the value of the rows to read; images, the folder
    of the images below the source's; defaults, field -> value where the table says nothing.
    For `read_classes`: patient_pattern, a regular expression whose first group that matches in a file's name is the patient.

    children: do all images show children? controls: does the collection have images with and without COVID-19?
    unique_stems: are its file names unique, so that an image of the same name in another source shows the same patient?
    second_reads: from the source's folder to file stem -> what people who read the image again said (`SourceImage`).
    lung_masks: folder of lung outlines below the source's. archives: addresses that need no account; by_hand: what to do
    where there are none.
    """

    name: str
    title: str
    homepage: str
    licence: str
    folders: tuple[str, ...]
    labels: Mapping[str, Label]
    reader: "Callable[[Source, Path], Iterator[SourceImage]]"
    common_names: bool = False
    tables: tuple[str, ...] = ()
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ("patient", "finding", "view", "path")
    only: Mapping[str, str] = field(default_factory=dict)
    images: str | Path = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    patient_pattern: str = ""
    children: bool = False
    controls: bool = False
    unique_stems: bool = False
    second_reads: Callable[[Path], Mapping[str, str]] | None = None
    lung_masks: str = ""
    archives: tuple[str, ...] = ()
    by_hand: str = ""

    def read(self, folder: Path) -> Iterator[SourceImage]:
        """The images of `folder`. Raises DataError when it is not this source."""
        reads = self.second_reads(folder) if self.second_reads else {}
        return (replace(image, second_read=reads.get(image.path.stem, "")) for image in self.reader(self, folder))

    def label(self, finding: str) -> Label | None:
        """The label of a finding of this source, or None."""
        text = finding.strip()
        found = self.labels.get(text) or mapped_label(text, self.labels)
        return found or (common_label(text) if self.common_names else None)


FIRST: Final = ("covid-chestxray-dataset", "nih-chestxray14", "chest_xray", "covid-19-image-repository")
"""The sources that are split first, in this order: it gives the split that the shipped models were trained on."""

SOURCES: Final[dict[str, Source]] = {}
"""Every public source by name, filled by `covid_model.data.sources`."""


def register(source: Source) -> Source:
    """Add a row to SOURCES. Raises ValueError where its name is taken."""
    if source.name in SOURCES:
        raise ValueError(f"The source {source.name!r} is registered already; choose another name.")
    SOURCES[source.name] = source
    return source


def get_source(name: str) -> Source:
    """The source called `name`. Raises DataError, naming the known ones, for an unknown name."""
    try:
        return SOURCES[name]
    except KeyError:
        raise DataError(f"Unknown source {name!r}; known sources: {', '.join(SOURCES)}.") from None


def in_split_order(names: Iterable[str]) -> list[str]:
    """Names of sources in the one order in which they are read and split, however they were given.

    >>> in_split_order(["clinic", "chest_xray", "b", "nih-chestxray14"])
    ['nih-chestxray14', 'chest_xray', 'b', 'clinic']
    """
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def sources_with(feature: Callable[[Source], object]) -> frozenset[str]:
    """The names of the sources of which `feature` is true, such as `lambda source: source.children`."""
    return frozenset(source.name for source in SOURCES.values() if feature(source))


def lung_mask_folders() -> str:
    """Where lung outlines can be found, as text for users."""
    return " or ".join(f"{source.lung_masks} of {source.name}" for source in SOURCES.values() if source.lung_masks)


def find_sources(root: Path) -> dict[str, Path]:
    """The sources whose usual folder is in `root`: name -> folder."""
    found: dict[str, Path] = {}
    for source in SOURCES.values():
        for folder in source.folders:
            if (root / folder).is_dir():
                found.setdefault(source.name, root / folder)
    return found
