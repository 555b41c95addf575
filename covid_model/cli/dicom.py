"""`dicom`: the result of a DICOM file as DICOM files."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.models.user_models import available_models


def add_commands(commands: Any) -> None:
    """Add `dicom` to the top-level subparsers."""
    dicom = commands.add_parser("dicom", help="overlay, heatmap and lung outline of a DICOM file as DICOM files")
    dicom.add_argument("file", type=Path, metavar="FILE", help="a DICOM chest X-ray; patient and study are copied from it")
    dicom.add_argument("--model", choices=available_models(), default=DEFAULT_MODEL, help="default: %(default)s")
    dicom.add_argument("--method", choices=METHODS, default=DEFAULT_METHOD, help="default: %(default)s")
    dicom.add_argument("--target", help='class to explain, or "A - B"; default: the predicted class')
    dicom.add_argument("--force", action="store_true", help="also work on an image that the input check refuses")
    dicom.add_argument("--out", type=Path, required=True, help="folder for the three files")
    dicom.set_defaults(run=run_dicom)


def run_dicom(arguments: argparse.Namespace) -> int:
    """The `dicom` command."""
    from covid_model.api.load import load_model, read_image
    from covid_model.images.read import file_bytes
    from covid_model.share.dicom_export import save_dicom

    original = file_bytes(arguments.file)
    image = read_image(original)
    model = load_model(arguments.model)
    prediction = model.predict(image, force=arguments.force)
    result = model.explain(image, arguments.method, arguments.target, prediction=prediction)
    for path in save_dicom(result, original, arguments.out, f"{image.digest[:8]}.{arguments.method}"):
        print(path)
    return 0
