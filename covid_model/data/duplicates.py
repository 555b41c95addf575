"""Near-duplicate images by perceptual hash, and the groups that must stay in one split."""

from collections.abc import Iterable, Sequence

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from covid_model.images.preprocess import resized
from covid_model.images.xray_image import XrayImage

HASH_SIDE = 16
"""The hash has HASH_SIDE ** 2 = 256 bits: chest X-rays are so similar that 64 bits match different patients."""

NEAR = 44
"""Hamming distance up to which two images count as near-duplicates (of 256 bits).

Chosen on the four public sources: recompressed, rescaled and re-windowed copies fall below it. So do some different images
of one patient, which is harmless, since a patient's images share a split.
"""


def perceptual_hash(image: XrayImage) -> str:
    """DCT hash (Zauner 2010) of the image resized to a square, 64 hex digits for 256 bits."""
    small = resized(image.pixels, (HASH_SIDE * 4, HASH_SIDE * 4))
    picture = Image.fromarray(np.round(small * 255).astype(np.uint8))
    return str(imagehash.phash(picture, hash_size=HASH_SIDE))


def hash_bits(hashes: Sequence[str]) -> NDArray[np.uint64]:
    """(n, 4) uint64, the bits of n hex hashes.

    >>> hash_bits(["0" * 63 + "3"]).tolist()
    [[0, 0, 0, 3]]
    """
    raw = np.frombuffer(b"".join(bytes.fromhex(text) for text in hashes), dtype=">u8")
    return raw.reshape(len(hashes), HASH_SIDE**2 // 64).astype(np.uint64)


def near_pairs(hashes: Sequence[str], limit: int = NEAR, block: int = 512) -> NDArray[np.int64]:
    """All pairs i < j with Hamming distance <= limit, as (pairs, 3) rows of i, j, distance.

    Compares all pairs in blocks of `block` images: seconds for ten thousand images.

    >>> near_pairs(["f" * 64, "0" * 64, "0" * 63 + "1"]).tolist()
    [[1, 2, 1]]
    """
    bits = hash_bits(hashes)
    found = [np.zeros((0, 3), np.int64)]
    for start in range(0, len(bits), block):
        rows = bits[start : start + block]
        distance = np.bitwise_count(rows[:, None, :] ^ bits[None, start:, :]).sum(axis=-1, dtype=np.int64)
        first, second = np.nonzero(distance <= limit)
        apart = second > first
        first, second = first[apart], second[apart]
        found.append(np.stack([first + start, second + start, distance[first, second]], axis=1))
    return np.concatenate(found)


def joined_groups(count: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """(count,) group number of each item when every pair in `pairs` must share a group (connected components).

    >>> joined_groups(4, [(0, 2)]).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)
