"""Work in the background goes on as long as a session wants it, and ends between two parts when none does."""

import threading
import time
from collections.abc import Callable

from ui.background import Background


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_a_job_runs_all_its_steps_and_the_next_one_follows() -> None:
    jobs, done = Background(), []
    assert jobs.want("me", "first", [lambda progress: progress(1.0), lambda _: done.append("first")]) is None
    wait_for(lambda: done == ["first"])
    assert jobs.want("me", "second", [lambda _: done.append("second")]) is None
    wait_for(lambda: done == ["first", "second"])


def test_a_step_ends_between_its_parts_when_no_session_wants_it() -> None:
    jobs, parts, done = Background(), [], []
    started, may_go_on = threading.Event(), threading.Event()

    def step(progress: Callable[[float], None]) -> None:
        for part in range(4):
            parts.append(part)
            if part == 1:
                started.set()
                assert may_go_on.wait(5)
            progress(part / 4)

    jobs.want("me", "long", [step, lambda _: done.append("a later step")])
    assert started.wait(5)
    jobs.want("me", "other", [lambda _: done.append("other")])
    may_go_on.set()
    wait_for(lambda: done == ["other"])
    assert parts == [0, 1]


def test_a_job_that_another_session_wants_goes_on() -> None:
    jobs, done = Background(), []
    started, may_go_on = threading.Event(), threading.Event()

    def step(progress: Callable[[float], None]) -> None:
        started.set()
        assert may_go_on.wait(5)
        progress(0.5)
        done.append("shared")

    jobs.want("me", "shared", [step])
    jobs.want("you", "shared", [step])
    assert started.wait(5)
    jobs.want("me", "other", [lambda _: done.append("other")])
    may_go_on.set()
    wait_for(lambda: done == ["shared", "other"])


def test_what_a_job_failed_with_is_returned() -> None:
    jobs = Background()

    def fail(_: Callable[[float], None]) -> None:
        raise ValueError("broken")

    jobs.want("me", "failing", [fail])
    wait_for(lambda: str(jobs.want("me", "failing", [fail])) == "broken")
