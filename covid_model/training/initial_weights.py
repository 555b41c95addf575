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
    start = _start(spec, config, segmenter)
    if start is None:
        return
    try:
        if config.init == "shipped":
            model.set_weights(start.get_weights())
        elif copy_weights(start, model) == 0:
            raise _no_weights(spec)
    except ValueError as error:
        size = " x ".join(map(str, spec.preprocessing.size))
        raise RunError(
            f"The initial weights do not fit {spec.key} with an input of {size} pixels; use --size 0 or --init random."
        ) from error


def _start(spec: ModelSpec, config: TrainConfig, segmenter: LungSegmenter) -> "keras.Model | None":
    """The network that the weights come from; None where they stay random."""
    if config.init == "imagenet":
        if (start := imagenet_network(spec.architecture)) is None:
            raise _no_weights(spec)
        return start
    if config.init == "run":
        base = RunFolder(Path(config.base))
        if get_model(str(base.config()["model"])).architecture != spec.architecture:
            raise RunError(f"{base.name} trained another network than {spec.architecture}; its weights do not fit.")
        return best_network(base)
    if config.init == "shipped":
        from covid_model.models.classifier import load

        return load(spec.key, segmenter).network
    return None


def _no_weights(spec: ModelSpec) -> RunError:
    return RunError(f"No ImageNet weights for {spec.architecture} are available; use --init random or shipped.")


def best_network(run: RunFolder) -> "keras.Model":
    """A new network with the weights of a run's best epoch. Raises RunError where there is none."""
    config = run.config()
    network = get_model(str(config["model"])).at_size(config.get("size", 0)).build()
    network.set_weights(read_state(run.checkpoints / BEST)[0]["averaged"])
    return network
