"""What an upload of a film may be called."""

from typing import Final

from covid_model.films.raster import FORMATS

SUFFIXES: Final = [*(kind.name for kind in FORMATS), "jpg", "tif", "dcm", "dicom"]
