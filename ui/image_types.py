"""What an upload of an image may be called."""

from typing import Final

from covid_model.images.raster import FORMATS

SUFFIXES: Final = [*(kind.name for kind in FORMATS), "jpg", "tif", "dcm", "dicom"]
