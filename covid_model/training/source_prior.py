"""What the source alone says of the label, given to the network in training so that it need not learn to tell sources.

Where a source has one label only, recognising the source answers for all of its images, and a network learns just that. With
the logarithm of the label's share in the source added to its logits, such images are answered already and teach nothing;
what is left to learn is what tells labels apart inside a source. The sum of logits is a product of experts (Hinton 2002;
against known biases Clark 2019, arXiv 1909.03683, eq. 1). In use nothing is added.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def source_offsets(
    rows: pd.DataFrame, label: NDArray[np.int64], classes: int, floor: float, of: pd.DataFrame | None = None
) -> NDArray[np.float32]:
    """What to add to the logits of each image of `of`, by default of `rows`: (n, classes) float32, mean 0.

    log((1 - floor) p + floor / classes) with p the share of a class among the `rows` of the image's source. rows: training
    images with `source`. label: (len(rows),) class indices. floor: in (0, 1]; the larger, the more an image of a source with
    one label teaches; 1 adds nothing. Images of a source that `rows` lack get zeros.

    >>> rows = pd.DataFrame({"source": ["a", "a", "b", "b"]})
    >>> source_offsets(rows, np.array([0, 1, 1, 1]), 2, 0.5).round(2).tolist()
    [[0.0, 0.0], [0.0, 0.0], [-0.55, 0.55], [-0.55, 0.55]]
    """
    wanted = rows if of is None else of
    found = np.zeros((len(wanted), classes), np.float32)
    for source, members in rows.assign(label=label).groupby("source"):
        shares = np.bincount(members["label"], minlength=classes) / len(members)
        logs = np.log((1 - floor) * shares + floor / classes)
        found[(wanted["source"] == source).to_numpy()] = logs - logs.mean()
    return found
