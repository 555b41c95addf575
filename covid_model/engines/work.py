"""What is done with every image: a function of this program by its name, so that other processes and machines can do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.backends.base import Progress
from covid_model.images.xray_image import XrayImage

Row = dict[str, Any]


class ImageFunction(Protocol):
    """What it finds on one image, as JSON values by column, None for what is not defined; CovidModelError says why not.

    progress: called between parts of long work; what it raises cancels.
    """

    def __call__(self, model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row: ...


def name_of(function: ImageFunction) -> str:
    """The "module:name" of a function at the top of a module."""
    return f"{function.__module__}:{function.__qualname__}"  # type: ignore[attr-defined]


def half_precision(values: NDArray[np.floating[Any]]) -> list[float]:
    """Float16 values (n,) as JSON numbers; beyond float16's range its largest number, since JSON has no infinity.

    >>> half_precision(np.array([1.0, 1e9], np.float32))
    [1.0, 65504.0]
    """
    most = np.finfo(np.float16).max
    found: list[float] = np.clip(values, -most, most).astype(np.float16).astype(float).tolist()
    return found


@dataclass(frozen=True)
class Work:
    """Plain values, so that it can be sent to another process or machine.

    model: its key. model_digest: of the weights that every worker must have. function: its `name_of`.
    settings: its settings, JSON values. heatmaps: how many an image gets, for the time that it may take.
    """

    model: str
    model_digest: str
    function: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    heatmaps: int = 1

    def imported(self) -> ImageFunction:
        """The function."""
        module, _, name = self.function.partition(":")
        found: ImageFunction = getattr(import_module(module), name)
        return found
