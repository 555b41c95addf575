"""File name suffixes that an uploaded image may have."""

from typing import Final

from covid_model.images.raster import FORMATS

SUFFIXES: Final = [*(kind.name for kind in FORMATS), "jpg", "tif", "dcm", "dicom"]
