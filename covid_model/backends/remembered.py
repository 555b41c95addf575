"""Engines that remember what a forward pass gave, so that nobody asks the network for it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covid_model.backends.base import LOGITS, Array, Backend, Engines, GradientBackend


@dataclass(frozen=True, eq=False)
class RememberedForward:
    """`backend`, which computes everything except `outputs` of the very array `batch`."""

    backend: Backend
    batch: Array
    outputs: Mapping[str, Array]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.backend.input_shape

    @property
    def units(self) -> int:
        """Number of logits."""
        return self.backend.units

    def run(self, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        """As `base.Backend.run`."""
        if batch is self.batch and self.outputs.keys() >= set(outputs):
            return {name: self.outputs[name] for name in outputs}
        return self.backend.run(batch, outputs)

    def constant_gradients(self, layer: str) -> Array | None:
        """As `base.Backend.constant_gradients`."""
        return self.backend.constant_gradients(layer)


@dataclass(frozen=True, eq=False)
class RememberedEngines:
    """The engines of a model, whose forward passes remember `outputs` of `batch` (1, height, width, channels)."""

    engines: Engines
    batch: Array
    outputs: Mapping[str, Array]

    @property
    def forward(self) -> Backend:
        """The backend of forward passes."""
        return RememberedForward(self.engines.forward, self.batch, self.outputs)

    @property
    def gradients(self) -> GradientBackend:
        """The backend of gradients; the first use may load TensorFlow."""
        return self.engines.gradients
