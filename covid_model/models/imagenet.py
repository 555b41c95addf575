"""Networks with ImageNet weights, to start a training from.

Those of EfficientNet-Lite0 ship with the project; `covid_model.build.imagenet` converted them.
"""

from typing import Final

import keras

from covid_model.errors import ModelError
from covid_model.models.applications import APPLICATIONS, downloaded
from covid_model.settings import WEIGHTS

NETWORK: Final = WEIGHTS / "lite0-imagenet.keras"
CARD: Final = NETWORK.with_suffix(".card.json")


def imagenet_network(architecture: str) -> keras.Model | None:
    """A network with ImageNet weights and the layer names of `architecture`; None where there are no such weights.

    Raises ModelError when the weights are missing on this machine.
    """
    if architecture in APPLICATIONS:
        return downloaded(architecture)
    return imagenet_lite0() if architecture == "efficientnet-lite0" else None


def imagenet_lite0() -> keras.Model:
    """The converted trunk. Raises ModelError when it is not shipped with this copy."""
    if not NETWORK.is_file():
        raise ModelError(f"{NETWORK.name} is missing; make it with `python -m covid_model build imagenet`.")
    return keras.saving.load_model(NETWORK, compile=False)
