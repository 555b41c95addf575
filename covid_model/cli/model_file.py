"""User models on the command line: the fields of the import form as options of `register`."""

import argparse
from pathlib import Path

from covid_model.errors import ModelError
from covid_model.images.preprocess import SCALES


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a model file does not say about itself."""
    group = parser.add_argument_group("for a model file (.keras, .h5)")
    group.add_argument("--classes", help="names in the order of its outputs, with commas; of one output negative, positive")
    group.add_argument("--title", help="its name; default: the file's name")
    group.add_argument("--scaling", choices=SCALES, help="pixel values it was trained on: " + _scalings())
    group.add_argument("--region", choices=("image", "lungs"), default="image", help="what it sees; default: image")
    group.add_argument("--mean", help="for --scaling custom: of pixels in 0 to 1; one number, or three with commas (R,G,B)")
    group.add_argument("--deviation", help="for --scaling custom: as the mean")
    group.add_argument("--bgr", action="store_true", help="for --scaling custom: the network takes the blue channel first")
    group.add_argument("--multilabel", action="store_true", help="its classes do not exclude one another; it ends in scores")


def _scalings() -> str:
    return "; ".join(f"{key}: {row.label}" for key, row in SCALES.items()).replace("%", "%%")


def register_file(path: Path, arguments: argparse.Namespace) -> str:
    """Import a model file with the options of `add_options`; returns its key. Raises ModelError as `add_model`."""
    from covid_model.models.importing import add_model, read_network, read_numbers

    if arguments.classes is None or arguments.scaling is None:
        raise ModelError("A model file needs --classes NAME,NAME and --scaling, which it does not contain.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    numbers = {name: getattr(arguments, name) for name in ("mean", "deviation") if getattr(arguments, name) is not None}
    card = add_model(
        read_network(data),
        title=arguments.title or path.stem,
        classes=tuple(name.strip() for name in arguments.classes.split(",") if name.strip()),
        preprocessing={
            "region": arguments.region,
            "scaling": arguments.scaling,
            "bgr": arguments.bgr,
            **{name: read_numbers(text) for name, text in numbers.items()},
        },
        multilabel=arguments.multilabel,
    )
    return card.key
