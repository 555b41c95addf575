"""Results are cached up to a bound, and slow work can be cancelled."""

from dataclasses import dataclass

import numpy as np
from streamlit.testing.v1 import AppTest

from ui.results import CANCELLED, SMALLEST, ResultCache, array_bytes


@dataclass(frozen=True)
class Pair:
    one: np.ndarray
    name: str = "pair"


def test_arrays_in_dataclasses_are_counted() -> None:
    assert array_bytes(Pair(np.zeros(10, np.float32))) == 40
    assert array_bytes("text") == 0


def test_results_are_made_once_and_the_longest_unused_is_forgotten() -> None:
    store, made = ResultCache(most=2 * (1000 + SMALLEST)), []

    def make(name: str) -> Pair:
        made.append(name)
        return Pair(np.zeros(250, np.float32), name)

    for name in ("a", "b", "a", "c"):
        assert store.get_or_make(name, lambda name=name: make(name)).name == name
    assert made == ["a", "b", "c"]
    assert "a" in store
    assert "b" not in store, "a was used after b"
    store.get_or_make("huge", lambda: Pair(np.zeros(10**6, np.float32)))
    assert "huge" in store, "the newest is kept even when it is too large"
    assert "a" not in store


def slow_page() -> None:
    import streamlit as st

    from ui.results import results, run_with_progress

    def work(progress):
        for share in (0.5, 1.0):
            progress(share)
        return "done"

    if st.query_params.get("forget"):
        results.clear()
    for key in ("key", "other key"):
        st.write(run_with_progress(key, "The work", work) or "nothing")


def test_slow_work_shows_its_result_and_stays_cancelled_until_asked_again() -> None:
    app = AppTest.from_function(slow_page)
    app.query_params["forget"] = "yes"
    app.run()
    assert not app.exception
    assert [text.value for text in app.markdown] == ["done", "done"], "two slow results on one page"
    app.session_state[CANCELLED] = {"key", "other key"}
    app.run()
    assert [info.value for info in app.info] == ["The work was cancelled."] * 2
    assert [text.value for text in app.markdown] == ["nothing", "nothing"]
    app.button(key=f"uncancel_{hash('key')}").click().run()
    assert [text.value for text in app.markdown] == ["done", "nothing"], "each is cancelled and started by itself"
