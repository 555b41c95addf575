"""Every error this project raises on purpose.

    CovidModelError
    |- ImageError      a file cannot become an image
    |- DataError      a data source, manifest or split is unusable
    |- ModelError     a model, card or weight file is unusable
    |- ExplainError   a heatmap cannot be made as asked
    |- RunError       a training run cannot start or go on
    `- HostError      a public copy does not do this for its visitors

Each message is one sentence a user can act on: what was received, and what would work.
"""


class CovidModelError(Exception):
    """Base of all errors that carry a sentence for the user."""


class ImageError(CovidModelError):
    """The bytes cannot be read as one chest X-ray."""


class DataError(CovidModelError):
    """A data source, manifest or split is unusable."""


class ModelError(CovidModelError):
    """A model, its card or its weights are unusable."""


class ExplainError(CovidModelError):
    """An explanation cannot be made as asked."""


class RunError(CovidModelError):
    """A training run cannot start or continue."""


class HostError(CovidModelError):
    """A server for strangers does not do this."""
