"""Every error this project raises on purpose.

    CovidModelError
    |- ImageError     a file cannot be read as one chest X-ray
    |- DataError      a data source, manifest or split is unusable
    |- ModelError     a model, card or weight file is unusable
    |- ExplainError   a heatmap cannot be made as requested
    |- RunError       a training run cannot start or continue
    `- HostError      a public copy does not offer this to its visitors

Each message is one sentence that a user can act on: what was received, and what would work.
"""

import os


class CovidModelError(Exception):
    """Base of all errors that carry a sentence for the user."""


class ImageError(CovidModelError):
    """The bytes cannot be read as one chest X-ray."""


class DataError(CovidModelError):
    """A data source, manifest or split is unusable."""


class ModelError(CovidModelError):
    """A model, its card or its weights are unusable."""


class ExplainError(CovidModelError):
    """An explanation cannot be made as requested."""


class RunError(CovidModelError):
    """A training run cannot start or continue."""


class HostError(CovidModelError):
    """A public copy does not offer this to its visitors."""


def system_sentence(error: OSError) -> str:
    """One sentence for a file that the system did not let this program read or write.

    >>> system_sentence(OSError(28, "No space left on device", "figures.json"))
    'figures.json: No space left on device; make room or choose another place.'
    """
    why = os.strerror(error.errno) if error.errno else str(error)
    return f"{error.filename or 'A file'}: {why}; make room or choose another place."
