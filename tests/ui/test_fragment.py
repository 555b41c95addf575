"""A fragment that starts early withdraws its elements from the page's run; the other elements keep their places."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest, app_test
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from ui.fragment import withdraw_inner_fragments
from ui.menu import PAGES

ROOT = Path(__file__).resolve().parents[2]


def plain_fragment() -> None:
    import streamlit as st

    st.fragment(lambda: st.write("inside"))()
    st.columns(2)[0].write("after")


def own_fragment() -> None:
    import streamlit as st

    from ui.fragment import fragment

    fragment()(lambda: st.write("inside"))()
    st.columns(2)[0].write("after")


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> list[ForwardMsgQueue]:
    """The messages to the browser of each run of an app."""
    found: list[ForwardMsgQueue] = []

    class Recorded(LocalScriptRunner):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            found.append(self.forward_msg_queue)

    monkeypatch.setattr(app_test, "LocalScriptRunner", Recorded)
    return found


def fragments(queue: ForwardMsgQueue) -> list[str]:
    found = (message.delta.fragment_id for message in queue._queue if message.HasField("delta"))
    return list(dict.fromkeys(filter(None, found)))


def misplaced(queue: ForwardMsgQueue, app: AppTest, fragment_id: str) -> list[tuple[int, ...]]:
    """Paths that an empty page has no place for once this fragment started before the queue was sent."""
    sent = ForwardMsgQueue()
    sent._queue = list(queue._queue)
    withdraw_inner_fragments()
    session = SimpleNamespace(_browser_queue=sent, _fragment_storage=app._fragment_storage)
    AppSession._clear_queue(session, [fragment_id])
    paths = [tuple(message.metadata.delta_path) for message in sent._queue if message.HasField("delta")]
    assert 0 < len(paths) < sum(message.HasField("delta") for message in queue._queue)
    known = {(root,) for root in range(4)}  # main, sidebar, event, bottom
    lost = []
    for path in paths:
        before = path[-1] == 0 or (*path[:-1], path[-1] - 1) in known
        if not before or path[:-1] not in known:
            lost.append(path)
        known.add(path)
    return lost


def test_a_plain_fragment_takes_its_neighbours_along(queues) -> None:
    """The fault itself: once Streamlit mends it, this fails and the container can go."""
    app = AppTest.from_function(plain_fragment).run()
    (found,) = fragments(queues[-1])
    assert misplaced(queues[-1], app, found)


def test_neighbours_of_a_fragment_keep_their_places(queues) -> None:
    app = AppTest.from_function(own_fragment).run()
    (found,) = fragments(queues[-1])
    assert misplaced(queues[-1], app, found) == []


def test_the_explain_page_survives_each_of_its_fragments(queues) -> None:
    app = AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=120).run()
    assert not app.exception
    found = fragments(queues[-1])
    assert len(found) >= 4  # all that follows class and method, and in it verdict, images and chips
    assert [misplaced(queues[-1], app, one) for one in found] == [[]] * len(found)


def test_no_page_makes_a_fragment_of_another_kind() -> None:
    files = [path for folder in ("ui", "pages") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > len(PAGES)
    assert [path.name for path in files if "st.fragment" in path.read_text()] == ["fragment.py"]
