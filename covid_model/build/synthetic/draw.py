"""Draw images: follow the flow from noise to a draft, then from noise to the same image at full size."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.build.synthetic.flow import ANY, enlarged
from covid_model.build.synthetic.network import build_flow_network
from covid_model.build.synthetic.stages import KINDS, STAGES, FlowStage
from covid_model.errors import ModelError

if TYPE_CHECKING:
    import keras

STEPS: Final = 40
SHARPENED: Final = 1.0
GRAIN: Final = 0.012
"""Standard deviation of the grain, of the image's whole range."""
GUIDANCE: Final = 2.0
"""Guidance scale of the kind, 1 + w in Ho & Salimans 2022, eq. 6."""


def finish(image: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """(H, W) in [0, 1] with sharper edges and grain, which a network trained by regression leaves out."""
    sharper = image + SHARPENED * (image - cv2.GaussianBlur(image, (0, 0), 2.0))
    return np.asarray(sharper + np.random.default_rng(seed).normal(0, GRAIN, image.shape), np.float32)


@dataclass(frozen=True, eq=False)
class Generator:
    """Both stages with their weights."""

    networks: "dict[str, keras.Model]"

    @classmethod
    def load(cls, folder: Path) -> "Generator":
        """From the folder of `flow.train_stage`. Raises ModelError where a stage is missing or does not fit."""
        networks = {}
        for stage in STAGES.values():
            networks[stage.name] = build_flow_network(stage.shape)
            weights = folder / f"{stage.name}.weights.h5"
            try:
                networks[stage.name].load_weights(weights)
            except (OSError, ValueError) as error:
                raise ModelError(
                    f"{weights} cannot be loaded; train the generator first by `build synthetic train`."
                ) from error
        return cls(networks)

    def draw(self, label: str, age: str, seeds: list[int]) -> NDArray[np.uint8]:
        """One image a seed, (n, SIDE, SIDE) uint8; a seed gives the same image in any list of seeds."""
        kind = KINDS.index((label, age))
        drafts = self._follow(STAGES["draft"], kind, seeds, None)
        side = STAGES["enlarge"].side
        given = np.stack([enlarged(draft, side) for draft in drafts])
        images = self._follow(STAGES["enlarge"], ANY, seeds, given) / 2 + 0.5
        finished = np.stack([finish(image, seed) for image, seed in zip(images, seeds, strict=True)])
        return np.round(np.clip(finished, 0, 1) * 255).astype(np.uint8)

    def _follow(
        self, stage: FlowStage, kind: int, seeds: list[int], drafts: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """From noise to images in STEPS steps of Heun's method, (n, side, side) in about [-1, 1]."""
        shape = (stage.side, stage.side, 1)
        x = np.stack([np.random.default_rng((seed, stage.side)).standard_normal(shape, np.float32) for seed in seeds])
        times = np.linspace(0, 1, STEPS + 1, dtype=np.float32)
        for now, after in pairwise(times):
            first = self._velocity(stage, x, now, kind, drafts)
            ahead = x + (after - now) * first
            second = self._velocity(stage, ahead, after, kind, drafts) if after < 1 else first
            x = x + (after - now) * (first + second) / 2
        return np.asarray(x[..., 0], np.float32)

    def _velocity(
        self, stage: FlowStage, x: NDArray[np.float32], time: float, kind: int, drafts: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        picture = x if drafts is None else np.concatenate([x, drafts[..., None]], axis=-1)
        times = np.full(len(x), time, np.float32)

        def toward(what: int) -> NDArray[np.float32]:
            given = [picture, times, np.full(len(x), what, np.int32)]
            return np.asarray(self.networks[stage.name].predict_on_batch(given), np.float32)

        if drafts is not None:
            return (drafts[..., None] + toward(kind) - x) / max(1 - float(time), 1 / STEPS)
        free = toward(ANY)
        return free + GUIDANCE * (toward(kind) - free)
