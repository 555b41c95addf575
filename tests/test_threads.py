"""Several items in flight on threads, results in order; threads that stand back."""

import os
import sys
import threading
import time

import pytest
from threadpoolctl import threadpool_info

from covid_model.backends.base import Progress
from covid_model.threads import BEHIND, StoppedError, blas_on_one_thread, in_order, stand_back


def test_results_keep_the_order_whichever_is_done_first() -> None:
    def work(number: int, _: Progress) -> int:
        time.sleep(0.02 if number % 2 == 0 else 0)
        return number

    assert list(in_order(work, range(20), most=4)) == list(range(20))


def test_items_are_taken_a_few_ahead_and_nothing_before_the_first_is_asked_for() -> None:
    taken = []
    results = in_order(lambda number, _: number, (taken.append(number) or number for number in range(100)), most=3)
    assert taken == []
    assert next(results) == 0
    assert len(taken) <= 4
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 4


def test_several_are_in_flight_at_once() -> None:
    together = threading.Barrier(3, timeout=10)
    assert len(list(in_order(lambda _number, _: together.wait(), range(3), most=3))) == 3


def test_what_the_work_raises_comes_in_its_place() -> None:
    def work(number: int, _: Progress) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = in_order(work, range(5), most=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert list(results) == []


def test_a_caller_that_goes_ends_long_work() -> None:
    stopped, begun = threading.Event(), threading.Event()

    def work(number: int, progress: Progress) -> int:
        if number == 0:
            begun.wait(10)
            return number
        begun.set()
        try:
            while True:
                progress(0.5)
                time.sleep(0.001)
        except StoppedError:
            stopped.set()
            raise

    results = in_order(work, range(9), most=2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert stopped.wait(10)


def test_linear_algebra_is_on_one_thread_until_the_last_user_has_gone() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    with blas_on_one_thread():
        with blas_on_one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own elsewhere")
def test_a_thread_that_stands_back_takes_those_it_starts_along_and_no_other() -> None:
    niceness: list[int] = []

    def note() -> None:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        stand_back()
        note()
        started = threading.Thread(target=note)
        started.start()
        started.join()

    thread = threading.Thread(target=work)
    note()
    thread.start()
    thread.join()
    note()
    before, *behind, after = niceness
    assert behind == [BEHIND, BEHIND]
    assert after == before
