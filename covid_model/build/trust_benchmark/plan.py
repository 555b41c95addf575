"""Which models the benchmark trains, and the half of the experiment that each belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS

SEEDS: Final = (2, 3)
"""Even ones are half A. Seeds 0 and 1 were the first run, on which questions were found that these answer."""
STRENGTHS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
SMALL: Final = ("pooled", "flattened")

Half = Literal["A", "B"]

HALVES: Final[tuple[Half, Half]] = ("A", "B")


@dataclass(frozen=True)
class Planned:
    """One model: network, shortcut, strength with which it predicts the label in training, and seed."""

    network: str
    kind: str
    strength: float
    seed: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.network}-{self.kind.replace(' ', '-')}-{self.strength:g}-{self.seed}"

    @property
    def thorough(self) -> bool:
        """Are slow methods and all tests of other methods measured as well? On the extreme strengths of even seeds."""
        return self.network in SMALL and self.seed % 2 == 0 and self.strength in (0.0, 1.0)

    @property
    def half(self) -> Half:
        """Lines are chosen on one half and reported on the other. Both have every shortcut, strength and network."""
        number = self.seed
        if self.network == "lite0":
            number += list(SHORTCUTS).index(self.kind) + round(self.strength)
        return "A" if number % 2 == 0 else "B"


def plan(seeds: Sequence[int] = SEEDS) -> list[Planned]:
    """The models in the order of their training: strong shortcuts and none first, so that an early look has both.

    The small networks take turns over seeds, shortcuts and strengths; EfficientNet-Lite0 has the two extreme strengths and
    the first seed.
    """
    found = []
    for number, strength in enumerate((1.0, 0.0, 0.5, 0.75, 0.25)):
        for seed in seeds:
            for place, kind in enumerate(SHORTCUTS):
                found.append(Planned(SMALL[(seed + number + place) % len(SMALL)], kind, strength, seed))
        if strength in (0.0, 1.0):
            found += [Planned("lite0", kind, strength, seeds[0]) for kind in SHORTCUTS]
    return found
