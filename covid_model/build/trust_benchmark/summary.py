"""From the records of the models to the results file that ships."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.build.trust_benchmark.causal import LEARNED, UNUSED, USED, case
from covid_model.build.trust_benchmark.drawn import draw
from covid_model.build.trust_benchmark.evidence import evidence_tables
from covid_model.build.trust_benchmark.plan import HALVES
from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS
from covid_model.build.trust_benchmark.statistics import best_line, rate, separation
from covid_model.build.trust_benchmark.tables import (
    ALL,
    LINES,
    OF_THE_MAP,
    OTHER_RULES,
    PLANTED_KEYS,
    RULE_NOW,
    Record,
    Scores,
    model_table,
    named_table,
    test_table,
)
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.trust.trust_tests import TRUST_TESTS

Results = dict[str, Any]


def summarise(records: Sequence[Record]) -> Results:
    """The results file as plain values."""
    models, tests = model_table(records), test_table(records)
    scores = Scores(models, tests)
    tested = [method for method in tests["method"].unique() if method not in PLANTED_KEYS]
    of_tests = {
        test: {
            "decides": TRUST_TESTS[test].decides,
            "shortcut": {method: _against_shortcuts(scores, method, test) for method in tested},
            "planted": {planted: _against_planted(scores, planted, test) for planted in PLANTED_KEYS},
        }
        for test in TRUST_TESTS
        if test in set(tests["test"])
    }
    for found in of_tests.values():
        found["useful"] = {half: _useful(found, half) for half in HALVES}
    return {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "code_sha256": sorted({record["code"] for record in records}),
        "drawings_sha256": drawings_digest(),
        "seeds": sorted({int(seed) for seed in models["seed"]}),
        "criterion": {"used": USED, "not_used": UNUSED, "learned": LEARNED},
        "default_method": DEFAULT_METHOD,
        "counts": _counts(models),
        "tests": of_tests,
        "verdict": {
            "shortcut": {method: _verdict_rates(scores, method, RULE_NOW) for method in tested},
            "other rules": {rule: _verdict_rates(scores, DEFAULT_METHOD, rule) for rule in OTHER_RULES},
            "planted": {
                planted: asdict(rate(scores.of(planted, RULE_NOW, "failed", use="not used"))) for planted in PLANTED_KEYS
            },
        },
        "named": _named(records, scores),
        "kinds": _by_kind(scores),
        "strengths": _by_strength(models, scores),
        "lines": {test: _lines(scores, test) for test in LINES},
        "encoded": _encoded(scores),
        "evidence": evidence_tables(records, models),
        "models": _compact(models, scores),
    }


def drawings_digest(count: int = 4) -> str:
    """Sha256 of the first held-out drawings of every kind: the benchmark's data."""
    digest = sha256()
    for kind in SHORTCUTS:
        for number in range(count):
            digest.update(
                np.round(draw(case(number, kind, opacity=True, shortcut=True)).pixels * 255).astype(np.uint8).tobytes()
            )
    return digest.hexdigest()


def _counts(models: pd.DataFrame) -> Results:
    learned = models[models["learned"]]
    uses = {use: int((learned["use"] == use).sum()) for use in ("used", "not used", "between")}
    networks = {name: int(count) for name, count in models["network"].value_counts().items()}
    return {"models": len(models), "not_learned": int((~models["learned"]).sum()), "networks": networks, **uses}


def _against_shortcuts(scores: Scores, method: str, test: str) -> Results:
    """Sensitivity, false alarms and AUC for "the model uses the shortcut", over all models and on each half.

    undecided: share of heatmaps, of all models, on which the test could not decide.
    """
    found = {}
    for half in (ALL, *HALVES):
        used, unused = (scores.of(method, test, "failed", half, use=use) for use in ("used", "not used"))
        high, low = (scores.of(method, test, "suspicion", half, use=use) for use in ("used", "not used"))
        found[half] = {
            "sensitivity": asdict(rate(used)) if test in LINES else None,
            "false_alarms": asdict(rate(unused)) if test in LINES else None,
            "undecided": asdict(rate(_rest(*(scores.of(method, test, side, half) for side in ("failed", "passed"))))),
            "auc": asdict(separation(high, low)),
        }
    return found


def _against_planted(scores: Scores, planted: str, test: str) -> Results:
    """The same for "the heatmap ignores the model": planted maps against the default method, on models without shortcut."""
    found = {}
    for half in (ALL, *HALVES):
        bad, good = (scores.of(method, test, "failed", half, use="not used") for method in (planted, DEFAULT_METHOD))
        high, low = (scores.of(method, test, "suspicion", half, use="not used") for method in (planted, DEFAULT_METHOD))
        found[half] = {
            "sensitivity": asdict(rate(bad)) if test in LINES else None,
            "false_alarms": asdict(rate(good)) if test in LINES else None,
            "auc": asdict(separation(high, low)),
        }
    return found


def _useful(found: Results, half: str) -> Results:
    """Does a test tell anything on one half? The AUC's interval is above one half, and it fails more of the bad than of the
    good. shortcut: for the default method. planted: for either planted map.
    """
    return {
        "shortcut": _tells(found["shortcut"][DEFAULT_METHOD][half]),
        "planted": any(_tells(cells[half]) for cells in found["planted"].values()),
    }


def _tells(cells: Results) -> bool:
    low = cells["auc"]["low"]
    if low is None or low <= 0.5:
        return False
    return cells["sensitivity"] is None or cells["sensitivity"]["value"] > cells["false_alarms"]["value"]


def _verdict_rates(scores: Scores, method: str, rule: str) -> Results:
    """Of heatmaps of models that use the shortcut, and of those that do not: shares of each verdict."""
    return {
        half: {
            use: {word: asdict(rate(values)) for word, values in _words(scores, method, rule, half, use).items()}
            for use in ("used", "not used")
        }
        for half in (ALL, *HALVES)
    }


def _words(scores: Scores, method: str, rule: str, half: str, use: str) -> dict[str, NDArray[np.float64]]:
    failed, passed = (scores.of(method, rule, column, half, use=use) for column in ("failed", "passed"))
    return {"not supported": failed, "supported": passed, "withheld": _rest(failed, passed)}


def _rest(failed: NDArray[np.float64], passed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of images that are neither, free of the rounding that would hide a zero."""
    return np.asarray(np.round(1 - failed - passed, 9) + 0.0)


def _named(records: Sequence[Record], scores: Scores) -> Results:
    """Of images whose answer an edit changes, of models that use their shortcut: is it the edit that takes that away?"""
    means = named_table(records).groupby("model")["named"].mean()
    used = scores.models[scores.models["use"] == "used"]
    kinds = {kind: means.reindex(used[used["kind"] == kind].index).to_numpy(np.float64) for kind in SHORTCUTS}
    return {ALL: asdict(rate(np.concatenate(list(kinds.values())))), **{kind: asdict(rate(v)) for kind, v in kinds.items()}}


def _by_kind(scores: Scores) -> Results:
    """Share of heatmaps of the default method that fail, by shortcut, of models that use it and of those that do not."""
    return {
        kind: {
            use: {
                test: asdict(rate(scores.of(DEFAULT_METHOD, test, "failed", use=use, kind=kind)))
                for test in (*LINES, RULE_NOW)
            }
            for use in ("used", "not used")
        }
        for kind in SHORTCUTS
    }


def _by_strength(models: pd.DataFrame, scores: Scores) -> Results:
    """By strength in training: models that came to use the shortcut, its mean effect, and failed verdicts."""
    found = {}
    for strength, rows in models.groupby("strength"):
        found[f"{strength:g}"] = {
            "models": len(rows),
            "used": int((rows["use"] == "used").sum()),
            "not used": int((rows["use"] == "not used").sum()),
            "shortcut_effect": float(rows["shortcut_effect"].mean()),
            "not supported": asdict(rate(scores.of(DEFAULT_METHOD, RULE_NOW, "failed", strength=strength))),
        }
    return found


def _lines(scores: Scores, test: str) -> Results:
    """The line with the highest sensitivity less false alarms, chosen on one half and reported on the other.

    Against models that use their shortcut; of tests of the map alone (OF_THE_MAP) against planted maps.
    """
    rows = scores.tests[scores.tests["test"] == test]
    of_map = test in OF_THE_MAP
    bad, good = (PLANTED_KEYS if of_map else (DEFAULT_METHOD,)), (DEFAULT_METHOD,)

    def rates(line: float, half: str) -> tuple[NDArray[np.float64], ...]:
        chosen = scores.models[scores.models["half"] == half]
        found = []
        for methods, use in ((bad, "not used" if of_map else "used"), (good, "not used")):
            own = rows[rows["method"].isin(methods)]
            failed = (own["suspicion"] > line).astype(float).groupby(own["model"]).mean()
            found.append(failed.reindex(chosen[chosen["use"] == use].index).dropna().to_numpy(np.float64))
        return tuple(found)

    def gain(line: float, half: str) -> float:
        used, unused = rates(line, half)
        return float(used.mean() - unused.mean()) if len(used) and len(unused) else 0.0

    known = np.unique(rows.loc[rows["method"].isin((*bad, *good)), "suspicion"].dropna())
    candidates = [LINES[test], *((known[1:] + known[:-1]) / 2).tolist()]
    found: Results = {"hand_picked": LINES[test]}
    for half, other in (HALVES, HALVES[::-1]):
        line = best_line(lambda value, on=half: gain(value, on), candidates)  # type: ignore[misc]
        used, unused = rates(line, other)
        found[f"chosen on {half}"] = {
            "line": line,
            "reported on": other,
            "sensitivity": asdict(rate(used)),
            "false_alarms": asdict(rate(unused)),
        }
    return found


def _encoded(scores: Scores) -> Results:
    """How well a probe reads the shortcut from the features, in models that use it and in those that do not."""
    values = {use: scores.models.loc[scores.models["use"] == use, "encoded"].to_numpy(float) for use in ("used", "not used")}
    return {
        **{use: asdict(rate(several)) for use, several in values.items()},
        "auc": asdict(separation(values["used"], values["not used"])),
    }


def _compact(models: pd.DataFrame, scores: Scores) -> list[Results]:
    """One row a model for charts: what it uses, and the mean suspicion and failures of the default method."""
    rows = []
    means = {test: scores.means.get((DEFAULT_METHOD, test)) for test in (*LINES, RULE_NOW)}
    for cells in models.to_dict("records"):
        found = {
            test: {key: _number(row[key]) for key in ("failed", "suspicion")}
            for test, known in means.items()
            if known is not None and cells["model"] in known.index
            for row in [known.loc[cells["model"]]]
        }
        kept = ("network", "kind", "strength", "seed", "half", "use", "learned")
        effects = {name: _number(cells[name]) for name in ("shortcut_effect", "opacity_effect", "auc", "encoded")}
        rows.append({name: cells[name] for name in kept} | effects | {"tests": found})
    return rows


def _number(value: float) -> float | None:
    """With four decimals; None for NaN."""
    return None if np.isnan(value) else round(float(value), 4)
