"""Images that can be chosen without an upload: synthetic ones, and public ones on this machine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.data.lesions import lesion_mask
from covid_model.data.public_samples import PUBLIC_SAMPLES, PublicSample, fetched_samples
from covid_model.data.sources import find_sources, get_source
from covid_model.data.synthetic_samples import SyntheticSample, shipped_samples
from covid_model.errors import DataError
from covid_model.images.read import file_bytes
from covid_model.images.xray_image import XrayImage
from covid_model.settings import data_folder
from ui.loaders import ImageFile, image_from
from ui.manifest import manifest_image

MOST: Final = 120
"""Images offered from one source; the Dataset page shows the others."""


@dataclass(frozen=True)
class AvailableImage:
    """An image that can be chosen: its key in links, its title, whether it is synthetic, and how to read it.

    title: text from outside, not Markdown. lesions: what radiologists outlined on the image as read, (H, W) bool, or None.
    note: where the image comes from, as Markdown of this project; "" if the title is enough.
    """

    key: str
    title: str
    synthetic: bool
    read: Callable[[], XrayImage]
    lesions: Callable[[XrayImage], NDArray[np.bool_] | None]
    note: str = ""


def _read(path: Path) -> XrayImage:
    """The image in a file, kept between runs of a page. Raises ImageError."""
    return image_from(ImageFile.of(file_bytes(path)))


def _synthetic(sample: SyntheticSample) -> AvailableImage:
    title = f"Synthetic: {sample.label}-like, seed {sample.seed}"
    return AvailableImage(sample.name, title, True, lambda: _read(sample.path), lambda _: None, sample.origin)


def _open(sample: PublicSample, path: Path) -> AvailableImage:
    seen = " The shipped models were trained on this image." if sample.split == "train" else ""
    note = f"A real image, {sample.credit}; {sample.url}.{seen}"
    return AvailableImage(
        f"open-{sample.name}", f"Real: {sample.label}, {sample.name}", False, lambda: _read(path), lambda _: None, note
    )


def _public(source: str, path: Path, finding: str) -> AvailableImage:
    def read() -> XrayImage:
        return _read(path)

    def lesions(image: XrayImage) -> NDArray[np.bool_] | None:
        return lesion_mask(path, image.shape)

    title = f"{source} · {path.name} · {finding}"
    return AvailableImage(f"{source}/{path.name}", title, False, read, lesions)


def image_of_manifest(key: str) -> AvailableImage | None:
    """The image of the current manifest that a link names by its digest; None if there is none."""
    row = manifest_image(key)
    if row is None:
        return None
    path = Path(row["path"])
    found = _public(row["source"], path, row["label"])
    return replace(found, key=key)


@st.cache_resource(ttl=timedelta(minutes=10), show_spinner="Listing the public images …")
def available_images() -> dict[str, AvailableImage]:
    """Key -> image, synthetic images first. A source folder that cannot be read is skipped."""
    offered = [
        *map(_synthetic, shipped_samples().values()),
        *(_open(PUBLIC_SAMPLES[name], path) for name, path in fetched_samples().items()),
    ]
    images = {image.key: image for image in offered}
    if root := data_folder():
        for name, folder in find_sources(root).items():
            try:
                rows = [row for row in get_source(name).read(folder) if row.label and not row.problem]
            except DataError:
                continue
            for row in rows[:: max(1, len(rows) // MOST)][:MOST]:
                image = _public(name, row.path, row.finding)
                images[image.key] = image
    return images
