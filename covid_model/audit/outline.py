"""What outlines of lungs depend on, so that no record is gone on from that was measured with other ones."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from covid_model.files import code_sha256, file_sha256
from covid_model.lungs.segment import NETWORK
from covid_model.models.classifier import Classifier
from covid_model.settings import PACKAGE


@lru_cache(maxsize=1)
def outline_sha256() -> str:
    """Digest of the weights and the code that outline the lungs.

    >>> len(outline_sha256())
    64
    """
    return code_sha256(sorted((PACKAGE / "lungs").rglob("*.py")), file_sha256(NETWORK))


def made_from(classifier: Classifier) -> dict[str, str]:
    """Digests of what is measured on an image besides the image: the model's weights and the outlines of lungs."""
    return {"weights_sha256": classifier.weights_digest, "outline_sha256": outline_sha256()}


def is_about(record: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Has a stored record all entries of `about`, so that it may be gone on from?

    >>> is_about({"weights_sha256": "1", "maps": {}}, {"weights_sha256": "1"}), is_about({}, {"weights_sha256": "1"})
    (True, False)
    """
    return all(record.get(key) == value for key, value in about.items())
