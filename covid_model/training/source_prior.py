"""What the source alone says of the label, given to the network in training so that it need not learn to tell sources.

Where a source has one label only, recognising the source answers for all of its images, and a network learns just that. With
the logarithm of the label's share in the source added to its logits, such images are answered already and teach nothing;
what is left to learn is what tells labels apart inside a source. The sum of logits is a product of experts (Hinton 2002;
against known biases Clark 2019, arXiv 1909.03683, eq. 1). In use nothing is added.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.errors import RunError

PriorOver = Literal["labels", "normal"]
PRIORS: Final[tuple[PriorOver, ...]] = ("labels", "normal")
NORMAL: Final = "Normal"


def groups_of(classes: Sequence[str], over: PriorOver) -> list[int]:
    """The group of each class: classes of one group have the same offset. Raises RunError for classes without "Normal".

    over: "labels", every class is a group; "normal", the source says whether an image is normal, and not what else it is.

    >>> groups_of(["COVID-19", "Pneumonia", "Normal"], "normal")
    [0, 0, 1]
    """
    if over == "labels":
        return list(range(len(classes)))
    if NORMAL not in classes:
        raise RunError(f"A prior over normal or not needs a class {NORMAL}; the classes are {', '.join(classes)}.")
    return [int(name == NORMAL) for name in classes]


def source_offsets(
    rows: pd.DataFrame, label: NDArray[np.int64], groups: Sequence[int], floor: float, of: pd.DataFrame | None = None
) -> NDArray[np.float32]:
    """What to add to the logits of each image of `of`, by default of `rows`: (n, classes) float32, mean 0.

    log((1 - floor) p + floor / g) with p the share of a class's group among the `rows` of the image's source, and g the
    number of groups. rows: training images with `source`. label: (len(rows),) class indices. groups: of each class
    (`groups_of`). floor: in (0, 1]; the larger, the more an image of a source with one label teaches; 1 adds nothing. Images
    of a source that `rows` lack get zeros.

    >>> rows = pd.DataFrame({"source": ["a", "a", "b", "b"]})
    >>> source_offsets(rows, np.array([0, 1, 1, 1]), [0, 1], 0.5).round(1).tolist()
    [[0.0, 0.0], [0.0, 0.0], [-0.5, 0.5], [-0.5, 0.5]]
    """
    wanted, number = rows if of is None else of, max(groups) + 1
    found = np.zeros((len(wanted), len(groups)), np.float32)
    for source, members in rows.assign(group=np.take(groups, label)).groupby("source"):
        shares = np.bincount(members["group"], minlength=number) / len(members)
        logs = np.log((1 - floor) * shares + floor / number)[list(groups)]
        found[(wanted["source"] == source).to_numpy()] = logs - logs.mean()
    return found
