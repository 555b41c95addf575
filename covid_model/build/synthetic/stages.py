"""What the generator draws, and the two networks that draw it one after the other. Needs no TensorFlow."""

from dataclasses import dataclass
from typing import Final

from covid_model.data.labels import LABELS

SIDE: Final = 256
"""Pixels a side of a finished image."""

KINDS: Final = tuple((label, age) for label in LABELS for age in ("adults", "children"))
"""What the generator can be asked for. Children come from one collection alone, so age is asked for apart from the label."""

DRAFT_SIDE: Final = 64
"""Pixels a side of a draft."""


@dataclass(frozen=True)
class FlowShape:
    """patch: pixels a side of one cell of the finest grid. widths: channels a level. conditions: channels of the picture
    that is given beside the noisy one. kinds: how many kinds of image there are; one more means "any".
    """

    patch: int
    widths: tuple[int, ...]
    conditions: int = 0
    kinds: int = 0
    attention: bool = True


@dataclass(frozen=True)
class FlowStage:
    """One network of the generator. side: of what it draws. crop: of what it is trained on. epochs: of its training.
    draft_noise: largest noise on the draft it is given, so that it forgives a drawn one.
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
