"""Explain chest X-ray classifiers and test whether the explanation deserves trust. Research software, not a diagnosis.

Example:
    >>> from covid_model import load_model, sample_image
    >>> model = load_model("lungs")
    >>> result = model.explain(sample_image("covid-19-0"), method="gradcam", target="COVID-19")
    >>> sorted(result.probabilities) == sorted(model.classes)
    True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"

if TYPE_CHECKING:
    from covid_model.api.load import load_model, read_image, sample_image
    from covid_model.api.model import Model
    from covid_model.api.result import Result
    from covid_model.errors import CovidModelError
    from covid_model.images.xray_image import XrayImage

_EXPORTS = {
    "CovidModelError": "covid_model.errors",
    "Model": "covid_model.api.model",
    "Result": "covid_model.api.result",
    "XrayImage": "covid_model.images.xray_image",
    "load_model": "covid_model.api.load",
    "read_image": "covid_model.api.load",
    "sample_image": "covid_model.api.load",
}

__all__ = ["CovidModelError", "Model", "Result", "XrayImage", "load_model", "read_image", "sample_image"]


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first asked for (PEP 562), so that `import covid_model` costs nothing."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
