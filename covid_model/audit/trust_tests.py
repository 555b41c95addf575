"""The TRUST_TESTS table: every test of a heatmap, for the panel, command line, docs and tests alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from covid_model.audit.agreement import agreement
from covid_model.audit.faithfulness import deletion_insertion
from covid_model.audit.localisation import attention_in_lungs, lesions_pointed_at
from covid_model.audit.randomisation import weight_randomisation
from covid_model.audit.region_ablation import region_ablation
from covid_model.audit.score import TrustInput, TrustScore
from covid_model.audit.source import source
from covid_model.audit.stability import stability


@dataclass(frozen=True)
class TrustTest:
    """One trust test.

    run: a case -> its score. question: what it answers, as a heading. decides: does the verdict rest on it?
    how: in two sentences, what is done and what the chance level is. cost: seconds warm, order of magnitude.
    """

    key: str
    question: str
    run: Callable[[TrustInput], TrustScore]
    decides: bool
    how: str
    paper: str
    cost: float


TRUST_TESTS: Final[dict[str, TrustTest]] = {
    row.key: row
    for row in (
        TrustTest(
            "attention",
            "Is it in the lungs?",
            attention_in_lungs,
            True,
            "Share of the heatmap's positive sum inside the lung outline. It must beat an even spread over what the model "
            "saw and a bell over the middle of the image.",
            "López-Cabrera 2021, doi 10.1007/s12553-021-00609-8",
            0.1,
        ),
        TrustTest(
            "region_ablation",
            "Does the model need the lungs?",
            region_ablation,
            True,
            "The model's probability on the same image with lungs removed, lungs only, border only, corners only and a "
            "black box over the centre. Without the lungs it must lose half of what it believes above an empty image.",
            "Maguolo & Nanni 2021, arXiv 2004.12823",
            0.3,
        ),
        TrustTest(
            "faithfulness",
            "Does the score follow it?",
            deletion_insertion,
            True,
            "Pixels are hidden (blurred) or shown in the heatmap's order; the gap between the areas under the two curves "
            "counts. It must exceed 95 % of random maps, single pixels and blobs as coarse as the heatmap.",
            "Petsiuk 2018, arXiv 1806.07421",
            3.0,
        ),
        TrustTest(
            "randomisation",
            "Does it depend on the model?",
            weight_randomisation,
            True,
            "The heatmap is made again as the model's weights are shuffled, from the logits down. With all of them shuffled "
            "it must be less similar (SSIM) than the heatmaps of 50 random pairs of images are on average.",
            "Adebayo 2018, arXiv 1810.03292; Arun 2021, doi 10.1148/ryai.2021200267",
            0.6,
        ),
        TrustTest(
            "stability",
            "Does it hold still?",
            stability,
            True,
            "The heatmap is made again under small noise, brightness and shifts that keep the prediction. Its largest "
            "change must stay below half of that between unrelated images.",
            "Yeh 2019, arXiv 1901.09392",
            0.5,
        ),
        TrustTest(
            "agreement",
            "Do other methods agree?",
            agreement,
            False,
            "Rank correlation and overlap of the highest tenth with other methods. Chance is 0; methods may differ for good "
            "reasons, so this informs and does not decide.",
            "Krishna 2022, arXiv 2202.01602",
            0.6,
        ),
        TrustTest(
            "source",
            "Does the model know the hospital?",
            source,
            False,
            "A small classifier on the model's own features names the data source. Chance is one in the number of sources; "
            "it informs and does not decide.",
            "Maguolo & Nanni 2021, arXiv 2004.12823",
            0.05,
        ),
        TrustTest(
            "lesions",
            "Does it point at what radiologists saw?",
            lesions_pointed_at,
            False,
            "For images whose ground glass and consolidation radiologists outlined: pointing game, share of the heatmap "
            "there and precision, beside maps that know nothing. It judges the model as much as the heatmap, so it does not "
            "decide.",
            "Zhang 2018, arXiv 1608.00507",
            0.1,
        ),
    )
}


def run_tests(inputs: TrustInput) -> Iterator[TrustScore]:
    """All tests in the table's order, each score as soon as it is there."""
    for row in TRUST_TESTS.values():
        yield row.run(inputs)
