"""Whether the rows and columns of a layer's output correspond to those of the image."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAST_RESPONSE: Final = 0.02
"""Distance of the changed cells from the expected place, in halves of the map, that counts as another direction."""
_SIGNS: Final = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def turned_layers(network: Any, layers: tuple[str, ...], image: NDArray[np.float32]) -> set[str]:
    """The layers whose maps are transposed, mirrored, or have channels where rows or columns should be.

    network: a flat Keras model. image: (height, width, channels), changed by turns in each of its quarters. The cells that
    change must lie where the image was changed. A layer that shows no change, or one that is the same everywhere, passes.
    """
    import keras

    outputs = keras.Model(network.input, [network.get_layer(name).output for name in layers])
    images = [image, *(_changed(image, rows, columns) for rows, columns in _SIGNS)]
    # one by one: all maps of a large image together take gigabytes
    maps = [keras.tree.flatten(outputs(each[None], training=False)) for each in images]
    return {name for name, *values in zip(layers, *maps, strict=True) if _turned(np.concatenate(values).astype(np.float64))}


def _changed(image: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The image inverted in the middle of one quarter, given by the signs of its centre's position."""
    height, width = image.shape[:2]
    top, left = (height // 8 if rows < 0 else 5 * height // 8), (width // 8 if columns < 0 else 5 * width // 8)
    part = (slice(top, top + max(1, height // 4)), slice(left, left + max(1, width // 4)))
    changed = image.copy()
    changed[part] = image.max() + image.min() - image[part]
    return changed


def _turned(values: NDArray[np.float64]) -> bool:
    """values: (5, h, w, k), of the image and of its four changed copies."""
    height, width = values.shape[1:3]
    if not np.isfinite(values).all():
        return False
    response = np.zeros((2, 2))  # of the map's (rows, columns) to the image's (rows, columns)
    for position, copy in zip(_SIGNS, values[1:], strict=True):
        change = np.abs(copy - values[0]).sum(axis=-1)
        if not change.sum() > 0:
            continue
        share = change / change.sum()
        centre = (share.sum(axis=1) @ _places(height), share.sum(axis=0) @ _places(width))
        response += np.outer(centre, position) / len(_SIGNS)
    right, wrong = min(response[0, 0], response[1, 1]), max(abs(response[0, 1]), abs(response[1, 0]))
    mirrored = right < -LEAST_RESPONSE
    return bool(mirrored or wrong > max(right, 0) + LEAST_RESPONSE)


def _places(count: int) -> NDArray[np.float64]:
    """Positions of `count` cells from -1 to 1."""
    return (2 * np.arange(count) + 1) / count - 1
