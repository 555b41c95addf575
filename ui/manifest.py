"""The manifest of the Dataset page, and its images by digest."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from covid_model import settings
from covid_model.data.browse import ManifestTable
from covid_model.errors import DataError

CHOSEN: Final = "manifest_path"
"""In the session: the manifest entered on the page."""
KEPT: Final = "manifest_in_use"
"""In the session: the same for other pages, where the widget and its state do not exist."""
NEXT: Final = "next_manifest"
"""In the session: the manifest to show from the next run on; a widget's state cannot be set after the widget is drawn."""
IMAGE_KEY: Final = "image-"
"""Prefix of manifest images' keys in links; the first 16 digits of the digest follow."""


def manifest_path() -> Path:
    """The current manifest, whether or not it exists: on a public copy always the host's own."""
    if settings.is_public_host():
        return settings.manifest_path()
    if NEXT in st.session_state:
        st.session_state[CHOSEN] = st.session_state.pop(NEXT)
    chosen = st.session_state.get(CHOSEN) or st.session_state.get(KEPT) or settings.manifest_path()
    st.session_state[KEPT] = chosen
    return Path(chosen)


@st.cache_resource(max_entries=4, show_spinner="Opening the manifest …")
def _images(path: str, changed: float) -> ManifestTable:
    return ManifestTable(Path(path))


def images_of(path: Path) -> ManifestTable:
    """The manifest's images, opened once for all sessions until the file changes. Raises DataError if it cannot be read."""
    try:
        changed = path.stat().st_mtime
    except OSError:
        raise DataError(f"No manifest at {path}; create one with `python -m covid_model data build`.") from None
    return _images(str(path), changed)


def image_key(digest: str) -> str:
    """The key of a manifest image in links."""
    return f"{IMAGE_KEY}{digest[:16]}"


def manifest_image(key: str) -> dict[str, Any] | None:
    """The manifest's row of an image that a link names; None if there is none."""
    digest = key.removeprefix(IMAGE_KEY)
    if not key.startswith(IMAGE_KEY) or len(digest) != 16:
        return None
    try:
        return images_of(manifest_path()).find(digest)
    except DataError:
        return None
