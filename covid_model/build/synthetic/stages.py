"""The kinds of image that the generator draws, and its two stages. Needs no TensorFlow."""

from dataclasses import dataclass
from typing import Final

from covid_model.data.labels import LABELS

SIDE: Final = 256
"""Pixels a side of a finished image."""

KINDS: Final = tuple((label, age) for label in LABELS for age in ("adults", "children"))
"""(label, age) that the generator can draw. Age is separate, since all images of children come from one collection."""

DRAFT_SIDE: Final = 64
"""Pixels a side of a draft."""


@dataclass(frozen=True)
class FlowShape:
    """patch: pixels a side of one cell of the finest grid. widths: channels a level. conditions: channels of the draft that
    is given beside the noisy image. kinds: number of kinds of image; one more means "any".
    """

    patch: int
    widths: tuple[int, ...]
    conditions: int = 0
    kinds: int = 0
    attention: bool = True


@dataclass(frozen=True)
class FlowStage:
    """One network of the generator. side: of its images. crop: side of its training images. epochs: of its training.
    draft_noise: largest noise added to drafts in training, so that drawn drafts work too.
    """

    name: str
    side: int
    crop: int
    shape: FlowShape
    epochs: int
    draft_noise: float = 0.0


STAGES: Final = {
    stage.name: stage
    for stage in (
        FlowStage("draft", DRAFT_SIDE, DRAFT_SIDE, FlowShape(2, (64, 128, 256), kinds=len(KINDS)), epochs=18),
        FlowStage(
            "enlarge", SIDE, SIDE // 2, FlowShape(4, (64, 128), conditions=1, attention=False), epochs=8, draft_noise=0.1
        ),
    )
}
