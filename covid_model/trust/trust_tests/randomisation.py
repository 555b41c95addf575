"""Does the heatmap change when the model's weights are randomised? If not, it does not show what the model learned."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.engine import CardLike
from covid_model.models.classifier import Classifier
from covid_model.trust.figures import Curves, Figure
from covid_model.trust.maps import rank_correlation, ssim
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

if TYPE_CHECKING:
    import keras

STEPS: Final = 5
"""Steps from the trained network to one without any trained weight."""
DRAWS: Final = 2
"""Randomised copies for fast methods; the others get one."""
ALLOWED: Final = 0.5
"""Share of the way from the similarity of unrelated heatmaps to identity that may be kept without any trained weight."""
QUICK: Final = 0.3
"""A method is fast below this many seconds a heatmap, as the audit record measured them."""


@dataclass(eq=False)
class RandomisedModel:
    """A copy of a classifier whose weights are randomised step by step.

    trained: the classifier's weights. turn: held for a whole cascade, which changes the copy's weights as it goes.
    """

    key: str
    card: CardLike
    backend: TensorFlowBackend
    weights_digest: str
    trained: list[NDArray[np.float32]]
    turn: threading.Lock

    @property
    def forward(self) -> TensorFlowBackend:
        """The backend of forward passes."""
        return self.backend

    @property
    def gradients(self) -> TensorFlowBackend:
        """The backend of gradients."""
        return self.backend


_copies: Final["WeakKeyDictionary[keras.Model, RandomisedModel]"] = WeakKeyDictionary()
_making: Final = threading.Lock()


def pass_line(unrelated: float) -> float:
    """The similarity to the original that a heatmap of shuffled weights must stay below. unrelated: of unrelated heatmaps.

    >>> pass_line(0.5)
    0.75
    """
    return unrelated + ALLOWED * (1 - unrelated)


def passes_on_average(of_method: Mapping[str, Any]) -> bool:
    """Does a method depend on the model, by the mean of its part of an audit record? On one image it may be otherwise."""
    return bool(of_method["randomisation"]["value"] < pass_line(of_method["pairs"]["ssim"]))


def randomised_copy(classifier: Classifier) -> RandomisedModel:
    """The copy of a classifier, made on first use and kept as long as its network, so that it is compiled once."""
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


def layer_groups(network: "keras.Model", count: int = STEPS) -> list[list[str]]:
    """Names of the layers with weights, from the logits down: first the logits alone, then the rest in equal parts.

    With a `count` of 1 all layers are one group.
    """
    names = [layer.name for layer in reversed(network.layers) if layer.weights]
    if count == 1:
        return [names]
    parts = np.array_split(np.array(names[1:], dtype=object), min(count - 1, max(1, len(names) - 1)))
    return [names[:1], *[list(part) for part in parts if len(part)]]


def shuffle_weights(network: "keras.Model", layers: list[str], rng: np.random.Generator) -> None:
    """Put the weights of the named layers in random order: the same values, nothing of what was learned.

    Adebayo 2018 draws fresh values from the initialiser; shuffling keeps their spread, so that signals neither die nor
    explode on the way and the map is not trivially different.
    """
    for name in layers:
        layer = network.get_layer(name)
        layer.set_weights([rng.permuted(values, axis=None) for values in layer.get_weights()])


def cascade(inputs: TrustInput, count: int = STEPS) -> list[dict[str, float]]:
    """SSIM and rank correlation of the heatmap with the randomised model's, after each step, mean over the draws."""
    copy, original = randomised_copy(inputs.classifier), inputs.small_map
    quick = not inputs.method.slow and inputs.known_of_method.get("seconds", 0) < QUICK
    draws = DRAWS if quick else 1
    groups = layer_groups(copy.backend.network, count)
    found = np.zeros((draws, len(groups), 2))
    with copy.turn:
        for draw in range(draws):
            rng = np.random.default_rng((inputs.seed, draw))
            copy.backend.network.set_weights(copy.trained)
            for number, layers in enumerate(groups):
                shuffle_weights(copy.backend.network, layers, rng)
                done = draw * len(groups) + number
                again = inputs.map_again(inputs.prediction, copy, inputs.part(done, draws * len(groups)))
                found[draw, number] = ssim(original, again), rank_correlation(original, again)
                inputs.progress((done + 1) / (draws * len(groups)))
    means = found.mean(axis=0)
    return [
        {"layers": sum(map(len, groups[: number + 1])), "ssim": float(row[0]), "rank": float(row[1])}
        for number, row in enumerate(means)
    ]


@register
class WeightRandomisation(TrustTest):
    """Cascading weight randomisation (Adebayo 2018, arXiv 1810.03292, sec. 3), against unrelated heatmaps as in Arun 2021.

    Arun's own pass line is the similarity of unrelated heatmaps. In the trust benchmark it failed a third of the heatmaps of
    models without a shortcut, and halfway to identity still fails every map that ignores the model.
    """

    key = "randomisation"
    question = "Does it depend on the model?"
    how = (
        "The heatmap is computed again while the model's weights are shuffled, from the logits down. With all of them "
        "shuffled its similarity to the original (SSIM) must be below halfway from that of unrelated heatmaps to identity."
    )
    paper = "Adebayo 2018, arXiv 1810.03292; Arun 2021, doi 10.1148/ryai.2021200267"
    better = "lower"
    decides = True
    required = True
    cost = 0.6

    def run(self, inputs: TrustInput) -> TrustScore:
        found = cascade(inputs)
        value = found[-1]["ssim"]
        pairs = inputs.known_of_method.get("pairs")
        details = {"cascade": found, "pairs": pairs}
        kept = f"with every weight of the model shuffled it keeps a similarity (SSIM) of {value:.2f}"
        if not pairs:
            sentence = f"This test has no pass line for this model: {kept}."
            return self.score(value, sentence, details=details)
        chance = float(pairs["ssim"])
        line = pass_line(chance)
        passed = value < line
        meaning = (
            "depends on what the model learned" if passed else "would look much the same whatever the model had learned"
        )
        sentence = f"It {meaning}: {kept}, where unrelated heatmaps have {chance:.2f} and {line:.2f} is allowed."
        return self.score(value, sentence, chance=chance, passed=passed, details={**details, "line": line})

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        found, found_line = score.details["cascade"], score.details.get("line")
        steps = ["none", "logits", *(f"{step['layers']} layers" for step in found[1:])]
        lines = {
            "similarity (SSIM)": [1.0, *(step["ssim"] for step in found)],
            "rank correlation": [1.0, *(step["rank"] for step in found)],
        }
        return (Curves(steps, lines, "weights shuffled, from the logits down", "similarity to this heatmap", found_line),)
