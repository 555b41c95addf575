"""Work in the background follows what sessions look at: newest wish, fair shares, and an end between two parts."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from covid_model.backends.base import Progress
from covid_model.threads import BEHIND
from ui.background import PATIENCE, REST, Background, Queue

LONG = 10.0
"""Seconds after which a test gives up waiting for what must happen."""


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Steps:
    """Steps that note their names, and one that waits at its progress call until it may go on."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.started, self.may_go_on, self.ended = threading.Event(), threading.Event(), threading.Event()

    def step(self, name: str, act: Callable[[], object] = lambda: None) -> Callable[[Progress], object]:
        def run(progress: Progress) -> None:
            act()
            self.done.append(name)

        return run

    def waiting(self, name: str) -> Callable[[Progress], object]:
        def run(progress: Progress) -> None:
            self.started.set()
            assert self.may_go_on.wait(LONG)
            try:
                progress(0.5)
                self.done.append(name)
            finally:
                self.ended.set()

        return run

    def last(self) -> tuple[Callable[[Progress], object], Future[list[str]]]:
        """A step that ends a test, and what was done by then."""
        found: Future[list[str]] = Future()
        return lambda _: found.set_result(list(self.done)), found


def test_a_job_runs_all_its_steps_and_the_next_one_follows() -> None:
    jobs, steps = Background(), Steps()
    end, done = steps.last()
    assert jobs.want("me", "first", [lambda progress: progress(1.0), steps.step("first"), end]) is None
    assert done.result(LONG) == ["first"]
    end, done = steps.last()
    assert jobs.want("me", "second", [steps.step("second"), end]) is None
    assert done.result(LONG) == ["first", "second"]


def test_a_step_ends_between_its_parts_when_its_session_wants_another_and_nothing_of_the_job_follows() -> None:
    jobs, steps = Background(), Steps()
    jobs.want("me", "left", [steps.waiting("left"), steps.step("a later step")])
    assert steps.started.wait(LONG)
    end, done = steps.last()
    jobs.want("me", "other", [steps.step("other"), end])
    steps.may_go_on.set()
    assert done.result(LONG) == ["other"]


def test_a_job_that_another_session_wants_goes_on_and_is_done_once() -> None:
    jobs, steps = Background(), Steps()
    end, done = steps.last()
    job = [steps.waiting("shared"), end]
    jobs.want("me", "shared", job)
    jobs.want("you", "shared", job)
    assert steps.started.wait(LONG)
    jobs.want("me", "other", [steps.step("other")])
    steps.may_go_on.set()
    assert "shared" in done.result(LONG)
    assert steps.done.count("shared") == 1


def test_sessions_get_equal_time_and_of_equals_the_newest_wish_comes_first() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()

    def takes(seconds: float) -> Callable[[], None]:
        def act() -> None:
            clock.now += seconds

        return act

    jobs.want("first", "held", [steps.waiting("held")])
    assert steps.started.wait(LONG)
    end, done = steps.last()
    jobs.want("slow", "slow", [steps.step("slow 1", takes(3)), steps.step("slow 2", takes(3)), end])
    jobs.want("quick", "quick", [steps.step(f"quick {number}", takes(1)) for number in (1, 2, 3, 4)])
    steps.may_go_on.set()
    # The newest comes first; then each whose steps took less time so far, and at three seconds each the newest again.
    assert done.result(LONG) == ["held", "quick 1", "slow 1", "quick 2", "quick 3", "quick 4", "slow 2"]


def test_a_session_does_not_get_ahead_by_wishing_anew() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()
    end, done = steps.last()

    def turn_away_after_four_seconds() -> None:
        clock.now += 4
        jobs.want("restless", "two", [steps.step("two"), end])

    def take_a_second() -> None:
        clock.now += 1

    jobs.want("first", "held", [steps.waiting("held")])
    assert steps.started.wait(LONG)
    jobs.want("restless", "one", [steps.step("one", turn_away_after_four_seconds)])
    jobs.want("patient", "patient", [steps.step("patient 1", take_a_second), steps.step("patient 2")])
    steps.may_go_on.set()
    assert done.result(LONG) == ["held", "patient 1", "one", "patient 2", "two"]


@pytest.mark.parametrize("reason", ["ended", "not renewed"])
def test_what_nobody_looks_at_is_dropped(reason: str) -> None:
    clock, gone = Clock(), set[str]()
    jobs, steps = Background(lambda session: session not in gone, clock), Steps()
    jobs.want("leaves", "left", [steps.waiting("left"), steps.step("a later step")])
    assert steps.started.wait(LONG)
    end, done = steps.last()
    if reason == "ended":
        gone.add("leaves")
    else:
        clock.now += PATIENCE + 1
    jobs.want("stays", "other", [end])
    steps.may_go_on.set()
    assert done.result(LONG) == []
    assert steps.ended.is_set()


def test_a_wish_that_is_renewed_stays() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()
    end, done = steps.last()
    job = [steps.waiting("kept"), end]
    jobs.want("me", "kept", job)
    assert steps.started.wait(LONG)
    for _ in range(3):
        clock.now += PATIENCE - 1
        jobs.want("me", "kept", job)
    steps.may_go_on.set()
    assert done.result(LONG) == ["kept"]


def test_work_waits_while_a_page_runs() -> None:
    jobs, steps = Background(), Steps()
    with jobs.page_runs():
        jobs.want("me", "job", [steps.waiting("part")])
        steps.may_go_on.set()
        assert not steps.started.wait(0.05), "no step begins while the page runs"
    assert steps.ended.wait(LONG)
    assert steps.done == ["part"]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own elsewhere")
def test_work_leaves_the_cores_to_whoever_clicks() -> None:
    if os.getpriority(os.PRIO_PROCESS, 0) >= BEHIND:
        pytest.skip("the tests themselves run at the lowest priority")
    found: Future[int] = Future()

    def step(_: Progress) -> None:
        found.set_result(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    Background().want("a", "job", [step])
    assert found.result(LONG) == BEHIND > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_new_job_begins_only_after_the_last_of_quick_clicks() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()
    with jobs.page_runs():
        jobs.want("me", "first", [steps.step("first")])
    end, done = steps.last()
    with jobs.page_runs():
        jobs.want("me", "second", [steps.waiting("second"), end])
    assert not steps.started.wait(2 * REST), "no time has passed on the clock"
    clock.now += REST
    steps.may_go_on.set()
    assert done.result(LONG) == ["second"]


def test_what_a_job_failed_with_is_returned_and_it_runs_again_when_nobody_looked_at_it_since() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()
    tries: list[int] = []

    def fail(_: Progress) -> None:
        tries.append(1)
        raise ValueError("broken")

    def failed_in(job: list[Callable[[Progress], object]]) -> BaseException | None:
        """What is known of the job once the worker has come past it."""
        jobs.want("me", "failing", job)
        end, done = steps.last()
        jobs.want("you", f"after {len(tries)}", [end])
        done.result(LONG)
        return jobs.want("me", "failing", job)

    assert str(failed_in([fail])) == "broken"
    assert str(jobs.want("me", "failing", [fail])) == "broken"
    assert len(tries) == 1, "it does not run again while somebody looks at it"
    jobs.want("me", "another", [])
    assert failed_in([steps.step("mended")]) is None
    assert steps.done == ["mended"]


def test_a_session_learns_who_else_waits_and_how_long_it_takes() -> None:
    clock = Clock()
    jobs, steps = Background(clock=clock), Steps()

    def four_seconds() -> None:
        clock.now += 4

    end, done = steps.last()
    jobs.want("first", "usual", [steps.step("usual", four_seconds), end])
    assert done.result(LONG)
    jobs.want("first", "held", [steps.waiting("held")])
    assert steps.started.wait(LONG)
    jobs.want("second", "mine", [steps.step("mine")])
    jobs.want("third", "held", [])
    assert jobs.queue("first") == Queue(others=1, seconds=8.0), "its own job and the second's, four seconds each"
    assert jobs.queue("second") == jobs.queue("third") == Queue(1, 8.0)
    assert jobs.queue("nobody") == Queue(2, 12.0)
    assert Background().queue("nobody") == Queue(0, None)
    steps.may_go_on.set()
