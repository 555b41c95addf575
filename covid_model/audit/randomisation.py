"""Does the heatmap change when the model's weights are destroyed? If not, it never was about the model."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from covid_model.audit.maps import rank_correlation, ssim
from covid_model.audit.score import TrustInput, TrustScore, outcome
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.engine import CardLike
from covid_model.explain.methods import SLOW
from covid_model.models.classifier import Classifier

if TYPE_CHECKING:
    import keras

STAGES: Final = 5
DRAWS: Final = 2
"""Random weights drawn for methods that are quick; slow ones get one."""


@dataclass(eq=False)
class RandomisedModel:
    """A copy of a classifier whose weights are destroyed, stage by stage, from the logits down."""

    key: str
    card: CardLike
    backend: TensorFlowBackend
    weights_digest: str
    trained: list[NDArray[np.float32]]
    turn: threading.Lock


_copies: Final["WeakKeyDictionary[keras.Model, RandomisedModel]"] = WeakKeyDictionary()
_making: Final = threading.Lock()


def randomised_copy(classifier: Classifier) -> RandomisedModel:
    """The copy that belongs to a classifier, made on first use and kept as long as its network, so it is compiled once."""
    import keras

    with _making:
        if classifier.network not in _copies:
            network = keras.models.clone_model(classifier.network)
            trained = classifier.network.get_weights()
            network.set_weights(trained)
            _copies[classifier.network] = RandomisedModel(
                classifier.key, classifier.card, TensorFlowBackend(network), "", trained, threading.Lock()
            )
        return _copies[classifier.network]


def stages(network: "keras.Model", count: int = STAGES) -> list[list[str]]:
    """Names of the layers with weights, from the logits down: first the logits alone, then the rest in equal parts.

    With a `count` of 1 all layers are one stage.
    """
    names = [layer.name for layer in reversed(network.layers) if layer.weights]
    if count == 1:
        return [names]
    parts = np.array_split(np.array(names[1:], dtype=object), min(count - 1, max(1, len(names) - 1)))
    return [names[:1], *[list(part) for part in parts if len(part)]]


def destroy(network: "keras.Model", layers: list[str], rng: np.random.Generator) -> None:
    """Put the weights of the named layers in random order: the same values, nothing of what was learned.

    Adebayo 2018 draws fresh values from the initialiser; shuffling keeps their spread, so that signals neither die nor
    explode on the way and the map is not trivially different.
    """
    for name in layers:
        layer = network.get_layer(name)
        layer.set_weights([rng.permuted(values, axis=None) for values in layer.get_weights()])


def cascade(inputs: TrustInput, count: int = STAGES) -> list[dict[str, float]]:
    """SSIM and rank correlation of the heatmap with that of the destroyed model, after each stage, mean over the draws."""
    copy, original = randomised_copy(inputs.classifier), inputs.small_map
    draws = 1 if inputs.method.cost > SLOW / 5 else DRAWS
    parts = stages(copy.backend.network, count)
    found = np.zeros((draws, len(parts), 2))
    with copy.turn:
        for draw in range(draws):
            rng = np.random.default_rng((inputs.seed, draw))
            copy.backend.network.set_weights(copy.trained)
            for number, layers in enumerate(parts):
                destroy(copy.backend.network, layers, rng)
                again = inputs.map_again(inputs.prediction, copy)
                found[draw, number] = ssim(original, again), rank_correlation(original, again)
                inputs.progress((draw * len(parts) + number + 1) / (draws * len(parts)))
    means = found.mean(axis=0)
    return [
        {"layers": sum(map(len, parts[: number + 1])), "ssim": float(row[0]), "rank": float(row[1])}
        for number, row in enumerate(means)
    ]


def weight_randomisation(inputs: TrustInput) -> TrustScore:
    """Cascading weight randomisation (Adebayo 2018, arXiv 1810.03292, sec. 3), with the pass line of Arun 2021."""
    found = cascade(inputs)
    value = found[-1]["ssim"]
    pairs = inputs.known_of_method.get("pairs")
    details = {"stages": found, "pairs": pairs}
    told = f"With every weight of the model shuffled the heatmap keeps a similarity (SSIM) of {value:.2f} to this one"
    if pairs is None:
        sentence = f"{told}; no pairs of images were measured for this model, so there is no line to judge it by."
        return TrustScore("randomisation", value, None, "lower", "unclear", sentence, details)
    line = float(pairs["ssim"])
    passed = value < line
    verdict = "it depends on the model" if passed else "it would look much the same whatever the model had learned"
    sentence = f"{told}; heatmaps of two unrelated images share {line:.2f}: {verdict}."
    return TrustScore("randomisation", value, line, "lower", outcome(passed), sentence, details)
