"""The settings of a training, which are stored with its run."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from covid_model.errors import RunError
from covid_model.training.augment import AUGMENTATIONS
from covid_model.training.source_prior import PRIORS, PriorOver

Init = Literal["imagenet", "shipped", "random", "run"]
Precision = Literal["auto", "float32", "mixed_bfloat16"]
Balance = Literal["label and source", "label", "none"]

INITS: Final[tuple[Init, ...]] = ("imagenet", "shipped", "random", "run")
PRECISIONS: Final[tuple[Precision, ...]] = ("auto", "float32", "mixed_bfloat16")
BALANCES: Final[tuple[Balance, ...]] = ("label and source", "label", "none")

TERMS: Final = ("guide", "outline", "alike", "tilt")
"""Settings of the loss beyond its cross-entropy (`training.guidance`)."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training; what the recipes of most models leave as it is.

    head_epochs: epochs with all but the last layer frozen. epochs: epochs of the whole network after that.
    frozen: share of the network's layers, from the image on, that keep their initial weights throughout.
    steps: steps an epoch, 0 for one pass over the images. learning_rate, head_learning_rate: largest learning rates.
    cosine: warm up over one epoch and fall to 1% along a cosine, else constant. label_smoothing: of the cross-entropy.
    ema: momentum of the running mean of the weights, which is validated and kept. balance: how images are weighted.
    source_prior: how much a source with one label teaches, in (0, 1] (`training.source_prior`); 0 for no such prior.
    prior_over: what the source says: the label, or only whether it is "Normal".
    spectrum: largest share of the amplitudes that an image takes from another one (`augment.mixed_spectrum`); 0 for none.
    guide, outline, alike: weights of three terms of the loss (`training.guidance`), 0 for none: how little of the attention
    is on radiologists' marks, how far the features of outlines without lungs differ, and those of sources within a label.
    tilt: how much more the groups of a label and source count that have the larger loss, 0 for no more (`group_tilt`).
    size: side of the network's square input in pixels, 0 for the model's own.
    augmentation: key of AUGMENTATIONS. init: initial weights; base: for init "run", the folder of the run whose best weights
    are used. patience: epochs without a lower validation loss before the run stops, 0 for never.
    log_every: steps between two lines of metrics. precision: of the computation; "auto" is bfloat16 where every graphics
    card is fast at it, else float32. Raises RunError for a value out of range.

    >>> TrainConfig("lungs", epochs=3).all_epochs
    5
    """

    model: str
    epochs: int = 10
    head_epochs: int = 2
    frozen: float = 0.0
    batch: int = 32
    steps: int = 0
    learning_rate: float = 3e-4
    head_learning_rate: float = 2e-3
    cosine: bool = True
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    ema: float = 0.995
    balance: Balance = "label and source"
    source_prior: float = 0.0
    prior_over: PriorOver = "labels"
    spectrum: float = 0.0
    guide: float = 0.0
    outline: float = 0.0
    alike: float = 0.0
    tilt: float = 0.0
    size: int = 0
    augmentation: str = "light"
    init: Init = "imagenet"
    base: str = ""
    patience: int = 0
    seed: int = 0
    log_every: int = 10
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        least = {"epochs": 1, "head_epochs": 0, "batch": 1, "steps": 0, "size": 0, "patience": 0, "log_every": 1}
        for name, low in (least | dict.fromkeys(TERMS, 0)).items():
            if not getattr(self, name) >= low:
                raise RunError(f"{name} must be at least {low}. Received: {getattr(self, name)}.")
        for name in ("learning_rate", "head_learning_rate"):
            if not 0 < getattr(self, name) < 1:
                raise RunError(f"{name} must be between 0 and 1. Received: {getattr(self, name)}.")
        for name in ("frozen", "label_smoothing", "ema", "weight_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise RunError(f"{name} is at least 0 and below 1. Received: {getattr(self, name)}.")
        for name in ("source_prior", "spectrum"):
            if not 0 <= getattr(self, name) <= 1:
                raise RunError(f"{name} is between 0, for none, and 1. Received: {getattr(self, name)}.")
        tables = {"augmentation": AUGMENTATIONS, "init": INITS, "balance": BALANCES, "precision": PRECISIONS}
        tables["prior_over"] = PRIORS
        for name, known in tables.items():
            if getattr(self, name) not in known:
                raise RunError(f"{name} is one of {', '.join(known)}. Received: {getattr(self, name)!r}.")

        if (self.init == "run") != bool(self.base):
            raise RunError('init "run" needs base, the folder of the run to start from, and no other init takes one.')

    @property
    def guided(self) -> bool:
        """Has the loss any term of `training.guidance`?"""
        return any(getattr(self, name) for name in TERMS)

    @property
    def all_epochs(self) -> int:
        """Epochs of both phases."""
        return self.head_epochs + self.epochs

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values, for the run folder and the card."""
        return {**asdict(self), "augmentation_ranges": asdict(AUGMENTATIONS[self.augmentation])}

    @classmethod
    def from_dict(cls, cells: dict[str, Any]) -> "TrainConfig":
        """What `as_dict` wrote. Raises RunError when a setting is missing, unknown or out of range."""
        known = {name: value for name, value in cells.items() if name != "augmentation_ranges"}
        try:
            return cls(**known)
        except TypeError as error:
            raise RunError(f"The run's config.json does not fit this version: {error}") from error
