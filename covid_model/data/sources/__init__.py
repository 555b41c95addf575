"""The public sources, one file each. To add one, put a file here that calls `register`."""

import importlib
import pkgutil

from covid_model.data.source import (
    SOURCES,
    Source,
    SourceImage,
    find_sources,
    get_source,
    lung_mask_folders,
    register,
    sources_with,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "SOURCES",
    "Source",
    "SourceImage",
    "find_sources",
    "get_source",
    "lung_mask_folders",
    "register",
    "sources_with",
]
