"""What is done with every image: a function of this program by its name, so that other processes and machines can do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from covid_model.api.model import Model
from covid_model.backends.base import Progress
from covid_model.images.xray_image import XrayImage

Row = dict[str, Any]


class ImageFunction(Protocol):
    """What it finds on one image, as JSON values by column; what it cannot work on raises CovidModelError.

    progress: called between parts of long work; what it raises cancels.
    """

    def __call__(self, model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row: ...


def name_of(function: ImageFunction) -> str:
    """The "module:name" of a function at the top of a module."""
    return f"{function.__module__}:{function.__qualname__}"  # type: ignore[attr-defined]


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
