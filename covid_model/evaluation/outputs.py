"""A classifier's outputs for every image of a manifest, a few images in memory at a time."""

from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model.backends.base import EMBEDDING, LOGITS, Progress
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.threads import in_order

BATCH: Final = 16
CLUSTERS: Final = 8
COMPONENTS: Final = 32
"""Leading components of the embedding in which clusters are looked for."""
FITTED: Final = 10_000
"""At most so many images, evenly chosen, on which components and clusters are fitted."""


def image_outputs(classifier: Classifier, table: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Logits (images, units) and embeddings (images, features) of at least one manifest row, preprocessed as in the app."""

    def prepared(path: str, _: Progress) -> NDArray[np.float32]:
        return classifier.prepare(load_image(Path(path))).model_input.pixels

    inputs = iter(
        tqdm(
            in_order(prepared, table["path"]), desc=f"{classifier.key}: images", total=len(table), unit="image", disable=None
        )
    )
    outputs = []
    while part := list(islice(inputs, BATCH)):
        outputs.append(classifier.forward.run(np.stack(part), (LOGITS, EMBEDDING)))
    features = [found[EMBEDDING].astype(np.float16) for found in outputs]
    return np.concatenate([found[LOGITS] for found in outputs]), np.concatenate(features)


def clusters(features: NDArray[np.float16]) -> NDArray[np.int64]:
    """(n,) number of each image's cluster, from 1, by k-means on the leading components of embeddings (n, features)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    count = min(CLUSTERS, len(np.unique(features, axis=0)))
    if count < 2:
        return np.ones(len(features), np.int64)
    chosen = np.arange(0, len(features), max(1, -(-len(features) // FITTED)))
    sample = features[chosen].astype(np.float32)
    components = PCA(min(COMPONENTS, *sample.shape), random_state=0).fit(sample)
    fitted = KMeans(count, n_init=4, random_state=0).fit(components.transform(sample))
    parts = [components.transform(features[i : i + FITTED].astype(np.float32)) for i in range(0, len(features), FITTED)]
    return np.asarray(fitted.predict(np.concatenate(parts)) + 1, np.int64)
