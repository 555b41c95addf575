"""The initial weights of a training, and the best weights of a finished one."""

from pathlib import Path
from typing import TYPE_CHECKING

from covid_model.errors import RunError
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.efficientnet_lite0 import copy_weights
from covid_model.models.imagenet import imagenet_network
from covid_model.models.specs import ModelSpec, get_model
from covid_model.training.checkpoint import BEST, read_state
from covid_model.training.config import TrainConfig
from covid_model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import keras


def initial_weights(model: "keras.Model", spec: ModelSpec, config: TrainConfig, segmenter: LungSegmenter) -> None:
    """Set the weights of `model` as `config.init` says: from ImageNet, the shipped weights, another run, or not at all.

    The last layer of weights from ImageNet and from another run is not used. Raises RunError or ModelError where the weights
    are missing, or fit another input size alone.
    """
    try:
        _set_weights(model, spec, config, segmenter)
    except ValueError as error:
        size = " x ".join(map(str, spec.preprocessing.size))
        raise RunError(
            f"The initial weights do not fit {spec.key} with an input of {size} pixels; use --size 0 or --init random."
        ) from error


def _set_weights(model: "keras.Model", spec: ModelSpec, config: TrainConfig, segmenter: LungSegmenter) -> None:
    if config.init == "imagenet":
        start = imagenet_network(spec.architecture)
        if start is None or copy_weights(start, model) == 0:
            raise RunError(f"No ImageNet weights for {spec.architecture} are available; use --init random or shipped.")
    elif config.init == "run":
        base = RunFolder(Path(config.base))
        if get_model(str(base.config()["model"])).architecture != spec.architecture:
            raise RunError(f"{base.name} trained another network than {spec.architecture}; its weights do not fit.")
        copy_weights(best_network(base), model)
    elif config.init == "shipped":
        from covid_model.models.classifier import load

        model.set_weights(load(spec.key, segmenter).network.get_weights())


def best_network(run: RunFolder) -> "keras.Model":
    """A new network with the weights of a run's best epoch. Raises RunError where there is none."""
    config = run.config()
    network = get_model(str(config["model"])).at_size(config.get("size", 0)).build()
    network.set_weights(read_state(run.checkpoints / BEST)[0]["averaged"])
    return network
