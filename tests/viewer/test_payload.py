"""What the viewer is sent: pixels without loss, maps at their own size, outlines in image pixels."""

import base64
import json
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from covid_model.explain.explanation import Explanation
from covid_model.explain.overlay import blended, heat, outlined
from covid_model.explain.scale import scale_top
from covid_model.images.lung_region import Box
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.viewer.look import Look
from covid_model.viewer.payload import (
    LONGEST,
    REGION_COLOUR,
    EncodedPixels,
    Panel,
    described,
    encoded_pixels,
    outline,
    payload,
    shared_top,
    still,
)

RANDOM = np.random.default_rng(0)


def image_of(pixels: NDArray[np.float32], **more: object) -> XrayImage:
    return XrayImage(pixels, "d" * 64, "array", **more)


def decoded(sent: EncodedPixels) -> NDArray[np.uint16]:
    """The values as the script decodes them."""
    planes = np.frombuffer(zlib.decompress(sent.data), np.uint8).astype(np.int64).reshape(-1, *sent.shape)
    steps = planes[0] if sent.bits == 8 else planes[0] * 256 + planes[1]
    values = np.cumsum(steps, axis=1) % (256 if sent.bits == 8 else 65536)
    return (values * (257 if sent.bits == 8 else 1)).astype(np.uint16)


def explained(layer_map: NDArray[np.float32], box: Box, shape: tuple[int, int], method: str = "gradcam") -> Explanation:
    heatmap = np.zeros(shape, np.float32)
    heatmap[box.top : box.bottom, box.left : box.right] = cv2.resize(layer_map, (box.width, box.height))
    return Explanation(
        layer_map, heatmap, method, "<b>COVID-19", "top", 0, {}, {}, ("a",), (0.0,), {"a": 1.0}, "m", "1" * 64, "2" * 64, 0.1
    )


@pytest.mark.parametrize(("steps", "bits"), [(255, 8), (65535, 16)])
def test_pixels_arrive_without_loss(steps: int, bits: int) -> None:
    values = RANDOM.integers(0, steps + 1, (37, 53))
    sent = encoded_pixels(image_of((values / steps).astype(np.float32)))
    assert (sent.bits, sent.shape) == (bits, (37, 53))
    np.testing.assert_array_equal(decoded(sent), values * (65535 // steps))


def test_a_large_image_is_averaged_and_keeps_its_coordinates() -> None:
    image = image_of(np.full((30, 2 * LONGEST), 0.25, np.float32), spacing_mm=(0.5, 0.25))
    sent = encoded_pixels(image)
    assert sent.shape == (15, LONGEST)
    assert np.abs(decoded(sent) / 65535 - 0.25).max() < 1e-4
    facts = described(image, sent)
    assert (facts["width"], facts["height"], facts["columns"], facts["rows"]) == (2 * LONGEST, 30, LONGEST, 15)
    assert facts["spacing"] == [0.5, 0.25]


def test_panels_of_one_image_share_it_and_a_map_has_its_own_size() -> None:
    image = image_of(np.zeros((40, 60), np.float32))
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:50] = True
    box = Box(4, 8, 36, 56)
    found = explained(RANDOM.random((7, 5), np.float32), box, image.shape)
    panels = [Panel("Image", "the image", image, mask), Panel("<i>", "under", image, mask, None, found, box, region=mask)]
    sent = payload(panels, lambda each: {"digest": each.digest}, look=Look(opacity=0.25), label="both")
    assert json.loads(json.dumps(sent)) == sent
    assert list(sent["images"]) == [image.digest]
    assert sent["images"][image.digest]["lungs"] == [[30, 10, 30, 19, 49, 19, 49, 10]]
    assert sent["images"][image.digest]["lesions"] == []
    first, second = sent["panels"]
    assert first["map"] is None
    assert (first["region"], second["region"]) == ([], [[30, 10, 30, 19, 49, 19, 49, 10]])
    assert second["title"] == "<i>", "the script shows it as text"
    heat_sent = second["map"]
    values = np.frombuffer(base64.b64decode(heat_sent["values"]), "<f4").reshape(heat_sent["rows"], heat_sent["columns"])
    np.testing.assert_array_equal(values, found.layer_map)
    assert heat_sent["box"] == [8, 4, 48, 32]
    assert heat_sent["top"] == scale_top(found.heatmap)
    assert sent["look"]["opacity"] == 0.25


def test_a_shared_scale_ends_at_the_largest() -> None:
    box = Box(0, 0, 8, 8)
    small, large = (explained(np.full((2, 2), value, np.float32), box, (8, 8)) for value in (0.1, 0.4))
    assert shared_top([small, large]) == pytest.approx(0.4)
    assert shared_top([]) == 0.0


def test_a_mask_has_one_outline_a_piece_and_none_has_none() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:5, 2:5] = mask[10:15, 10:15] = True
    assert len(outline(mask)) == 2
    assert outline(None) == outline(np.zeros((4, 4), bool)) == []


def test_a_still_is_the_overlay_of_the_export() -> None:
    image = image_of(RANDOM.random((40, 60), np.float32))
    box, mask = Box(0, 0, 40, 60), np.zeros((40, 60), bool)
    mask[10:20, 10:20] = True
    found = explained(RANDOM.random((5, 5), np.float32), box, image.shape)
    look = Look(opacity=0.5, cmap="viridis", window=(0.1, 0.8), invert=True, lesions=False)
    grey = displayed(image.pixels, 0.1, 0.8, invert=True)
    expected = outlined(blended(grey, heat(found.heatmap, 0.5, "viridis")), mask)
    np.testing.assert_array_equal(still(Panel("", "", image, mask, mask, found, box), look), expected)
    with_region = Panel("", "", image, mask, mask, found, box, region=mask)
    np.testing.assert_array_equal(still(with_region, look), expected)
    shown = still(with_region, replace(look, region=True, lungs=False))
    np.testing.assert_array_equal(shown, outlined(blended(grey, heat(found.heatmap, 0.5, "viridis")), mask, REGION_COLOUR))
    np.testing.assert_array_equal(still(Panel("", "", image), look), np.repeat(grey[..., None], 3, axis=-1))
