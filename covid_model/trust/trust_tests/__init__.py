"""The TRUST_TESTS table: every test of a heatmap, for the trust panel, the command line, the reports and the docs.

Each file of this package is one test. It holds a class with the decorator `register`; a new file needs no other change.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

from covid_model.trust.figures import Figure
from covid_model.trust.score import Better, Outcome, TrustInput, TrustScore


class TrustTest(ABC):
    """One trust test.

    question: a heading. how: what is done and what the pass line or chance level is, in two sentences.
    better: does a good map have a higher or a lower value than chance? decides: does the verdict rest on it?
    required: must this test pass for a supported verdict? qualifies: may it add a caveat to one, or withhold it by a doubt?
    cost: seconds, order of magnitude.
    """

    key: ClassVar[str]
    question: ClassVar[str]
    how: ClassVar[str]
    paper: ClassVar[str]
    better: ClassVar[Better] = "higher"
    decides: ClassVar[bool] = False
    required: ClassVar[bool] = False
    qualifies: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0

    @abstractmethod
    def run(self, inputs: TrustInput) -> TrustScore:
        """The score of one heatmap. Calls `inputs.progress` between its parts; what that raises ends the test."""

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        """What to show beside a score that has details."""
        return ()

    def score(
        self,
        value: float | None,
        sentence: str,
        *,
        chance: float | None = None,
        passed: bool | None = None,
        details: Mapping[str, Any] | None = None,
        caveat: str = "",
        doubt: bool = False,
    ) -> TrustScore:
        """The result of `run`, with fields as in TrustScore.

        passed: None where the test could not decide. Of a test that never decides, whether its finding speaks for the
        heatmap; None where it speaks neither for nor against it.
        """
        outcome: Outcome = "against" if passed is False else "informational"
        if self.decides:
            outcome = "unclear" if passed is None else "passed" if passed else "failed"
        return TrustScore(self.key, value, chance, self.better, outcome, sentence, dict(details or {}), caveat, doubt)


TRUST_TESTS: Final[dict[str, TrustTest]] = {}
"""By key. Tests that decide come first, then those that qualify a verdict; each group by cost."""

Class = TypeVar("Class", bound=type[TrustTest])


def register(test: Class) -> Class:
    """Class decorator: add the test to TRUST_TESTS. Raises ValueError for a key that is taken."""
    if test.key in TRUST_TESTS:
        raise ValueError(f"The trust test {test.key!r} is registered already; choose another key.")
    tests = sorted([*TRUST_TESTS.values(), test()], key=lambda one: (not one.decides, not one.qualifies, one.cost))
    TRUST_TESTS.clear()
    TRUST_TESTS.update({one.key: one for one in tests})
    return test


def run_tests(inputs: TrustInput, known: Mapping[str, TrustScore] = MappingProxyType({})) -> Iterator[TrustScore]:
    """The scores of all tests in the table's order, each as soon as it is computed. `inputs.progress` covers all of them.

    known: scores by test that were computed before; those tests are not run again.
    """
    for number, (key, test) in enumerate(TRUST_TESTS.items()):
        yield known[key] if key in known else test.run(replace(inputs, progress=inputs.part(number, len(TRUST_TESTS))))
        inputs.progress((number + 1) / len(TRUST_TESTS))


def figures_of(inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
    """The figures of one score; none where nothing was measured."""
    return TRUST_TESTS[score.key].figures(inputs, score) if score.details else ()


for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
