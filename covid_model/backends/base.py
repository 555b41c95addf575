"""The interface of a network for methods, trust tests and pages, whichever engine computes it."""

import os
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LOGITS: Final = "logits"
EMBEDDING: Final = "embedding"
"""Name of the output that the layer "logits" receives: (b, features), of whatever shape it has there, flattened."""

Progress = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1]; what it raises cancels the work."""

_MOST_THREADS: Final = 2
"""More gain little on networks of this size and take cores from other images."""
_one_thread = Event()

CHUNK: Final = 4
"""Altered copies of an image that are made at once, and run in one pass where the network's input is small enough."""

PIXELS_OF_A_PASS: Final = 2 * 320 * 320
"""Input pixels in one pass over altered copies: faster than one by one, small in memory.

Not more: the largest activation of EfficientNet-Lite0 would take over 32 MB, which the C library asks the system for anew in
each pass, and so a pass would take 1.5 times as long.
"""


def threads_of_a_pass() -> int:
    """Threads of one pass, by ONNX Runtime and on a server by TensorFlow as well."""
    return 1 if _one_thread.is_set() else min(_MOST_THREADS, os.cpu_count() or 1)


def use_one_thread() -> None:
    """For many images at once, on threads or in processes: the networks loaded from now on compute on one thread."""
    _one_thread.set()


def silent(_: float) -> None:
    """A Progress that does nothing."""


class LayerState(NamedTuple):
    """Activations and gradients for class activation maps, for a batch of b images.

    activations: (b, h, w, k) of the layer. gradients: of the target with respect to them, same shape. logits: (b, units).
    """

    activations: Array
    gradients: Array
    logits: Array


class Backend(Protocol):
    """Forward passes of one network. Safe to call from several threads.

    input_shape: (height, width, channels). units: number of logits.
    """

    @property
    def input_shape(self) -> tuple[int, int, int]: ...
    @property
    def units(self) -> int: ...

    def run(self, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        """Named outputs of a batch (b, height, width, channels) float32, from one forward pass.

        outputs: LOGITS (b, units), EMBEDDING (b, features), or names of layers, each as the layer gives it (b, ...).
        Raises ExplainError for an output that the network does not have.
        """
        ...

    def constant_gradients(self, layer: str) -> Array | None:
        """The derivative of every logit by every activation of `layer`, where no image changes it: (h, w, k, units).

        So it is where nothing but affine layers follow: pooling or flattening, then dense. None for every other layer; after
        global average pooling it is the dense kernel over the area at every cell (Zhou 2016, arXiv 1512.04150, eq. 2).
        Raises ExplainError when the layer is unknown or has no height and width.
        """
        ...


class GradientBackend(Backend, Protocol):
    """A backend that also differentiates. weights: (units,), one a logit; the target is sum_i weights[i] * logits[i]."""

    def layer_state(self, batch: Array, weights: Array, layer: str) -> LayerState:
        """Activations of `layer`, the target's derivative by them, and logits, for a batch (b, height, width, channels).

        Raises ExplainError when the layer is unknown or has no height and width.
        """
        ...

    def input_gradients(self, batch: Array, weights: Array) -> tuple[Array, Array]:
        """The target's derivative by the input, (b, height, width, channels), and the target's values, (b,)."""
        ...


class Engines(Protocol):
    """The backends of a model for methods and trust tests: of forward passes, and of gradients.

    The first use of `gradients` may load TensorFlow; code that needs only forward passes does not use it.
    """

    @property
    def forward(self) -> Backend: ...
    @property
    def gradients(self) -> GradientBackend: ...


def images_of_a_pass(height: int, width: int) -> int:
    """How many images of this size to run in one pass, from 1 to CHUNK.

    >>> images_of_a_pass(224, 224), images_of_a_pass(320, 320), images_of_a_pass(1024, 1024)
    (4, 2, 1)
    """
    return min(CHUNK, max(1, PIXELS_OF_A_PASS // (height * width)))


def run_in_chunks(backend: Backend, batch: Array, output: str = LOGITS, progress: Progress = silent) -> Array:
    """One output of a batch (b, height, width, channels) of any length, `images_of_a_pass` at a time: (b, ...)."""
    parts, step = [], images_of_a_pass(*batch.shape[1:3])
    for start in range(0, len(batch), step):
        parts.append(backend.run(batch[start : start + step], (output,))[output])
        progress(min(1.0, (start + step) / len(batch)))
    return np.concatenate(parts)
