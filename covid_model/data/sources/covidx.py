"""COVIDx, the compilation of COVID-Net: text files of `patient file class [origin]`, images in one folder a split."""

import re
from collections.abc import Iterator
from pathlib import Path

from covid_model.data.image_files import ImageFinder
from covid_model.data.source import Source, SourceImage, register
from covid_model.errors import DataError


def read_covidx(source: Source, folder: Path) -> Iterator[SourceImage]:
    """The lines of all its text files; patients of different origins are different patients."""
    tables = [path for split in ("train", "val", "test") for path in sorted(folder.glob(f"{split}*.txt"))]
    if not tables:
        raise DataError(f"{folder} holds no train*.txt or test*.txt; give the folder of COVIDx with its text files.")
    finder = ImageFinder(folder)
    classes = "|".join(re.escape(name) for name in (*source.labels, "negative"))
    for table in tables:
        split = table.stem.split("_")[0]
        for line in filter(None, map(str.strip, table.read_text("utf-8-sig", errors="replace").splitlines())):
            match = re.fullmatch(rf"(\S+)\s+(.+?)\s+({classes})(?:\s+(\S+))?", line)
            if match is None:
                yield SourceImage(folder, problem=f"{table.name} has a line that is not patient, file, class: {line[:60]!r}")
                continue
            patient, name, finding, origin = match.groups()
            path, known = finder.find(f"{split}/{name}"), f"{origin}/{patient}" if origin else patient
            yield SourceImage(path, known, finding, source.label(finding), "Frontal", licence=source.licence)


register(
    Source(
        name="covidx",
        title="COVIDx CXR of COVID-Net (Wang 2020)",
        homepage="https://github.com/lindawangg/COVID-Net/blob/master/docs/COVIDx.md",
        licence="of the sources it was compiled from, some of them non-commercial: do not redistribute",
        folders=("COVIDx", "covidx", "COVIDx-CXR"),
        by_hand="Make it as its homepage describes, or sign in at Kaggle and download COVIDx CXR; unpack it so that a "
        "folder COVIDx with train, test and their text files is in your data folder.",
        reader=read_covidx,
        labels={"COVID-19": "COVID-19", "positive": "COVID-19", "pneumonia": "Pneumonia", "normal": "Normal"},
    )
)
"""`negative` has no label: it is pneumonia or normal and does not say which."""
