"""One session of a Streamlit page without a browser: what the browser would send, and when the answer was complete.

A browser draws on the same cores while the server still works, so its clock is no clock of the server.
"""

import time
import urllib.request
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Subprotocol

STREAMLIT: Final = Subprotocol("streamlit")
LIMIT: Final = 120.0
"""Seconds to wait for the next message."""
UPLOADER: Final = "Upload a chest X-ray"
CLASS: Final = "Class to explain"
"""Labels of the Explain page."""
FINISHED: Final = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
BOUNDARY: Final = "benchmark-boundary"


class Session:
    """A visit of the page at `address`, which has run once when this returns. query: after the `?` of its link.

    options: of each select box by its label, as the page last showed it.
    """

    def __init__(self, address: str, query: str = "") -> None:
        self._address, self._query, self._page = address, query, ""
        self._widgets: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self._states: dict[str, WidgetState] = {}
        self._socket = connect(
            f"ws{address.removeprefix('http')}/_stcore/stream", subprotocols=[STREAMLIT], max_size=None, compression=None
        )
        self._session = ""
        self._rerun()

    def close(self) -> None:
        """Leave the page."""
        self._socket.close()

    def choose(self, label: str, option: str) -> float:
        """Pick from the select box `label`; seconds until the page has run."""
        state = WidgetState(id=self._widget(label), string_value=option)
        self._states[state.id] = state
        start = time.perf_counter()
        self._rerun(self._parts[label])
        return time.perf_counter() - start

    def upload(self, label: str, name: str, data: bytes) -> float:
        """Give a file to the uploader `label`; seconds from sending its bytes until the page has run."""
        request = BackMsg()
        request.file_urls_request.request_id = name
        request.file_urls_request.file_names.append(name)
        request.file_urls_request.session_id = self._session
        self._socket.send(request.SerializeToString())
        while not (answer := self._next()).HasField("file_urls_response"):
            pass
        urls = answer.file_urls_response.file_urls[0]
        state = WidgetState(id=self._widget(label))
        info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(data), file_id=urls.file_id)
        info.file_urls.CopyFrom(urls)
        self._states[state.id] = state
        start = time.perf_counter()
        self._put(urls.upload_url, name, data)
        self._rerun()
        return time.perf_counter() - start

    def _put(self, url: str, name: str, data: bytes) -> None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        with urllib.request.urlopen(urllib.request.Request(f"{self._address}{url}", body, kind, method="PUT")):
            pass

    def _ask(self, part: str = "", timer: bool = False) -> None:
        """Ask for a run of the page, or of one part of it, whose widget was used or whose timer rang."""
        request = BackMsg()
        request.rerun_script.query_string = self._query
        request.rerun_script.page_script_hash = self._page
        request.rerun_script.fragment_id = part
        request.rerun_script.is_auto_rerun = timer
        request.rerun_script.widget_states.widgets.extend(self._states.values())
        self._socket.send(request.SerializeToString())

    def _rerun(self, part: str = "") -> None:
        """Ask for a run of the page, or of a part of it, and read until it has ended."""
        self._ask(part)
        while True:
            message = self._next()
            # One that makes room for another run, as `st.rerun` asks for, is not the end.
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished in FINISHED:
                    return
                if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise RuntimeError("The page does not compile.")

    def _note(self, message: ForwardMsg) -> None:
        """Keep what a message says of the session, its address and its widgets."""
        if message.HasField("new_session"):
            self._page = message.new_session.page_script_hash
            self._session = message.new_session.initialize.session_id
        if message.HasField("page_info_changed"):
            self._query = message.page_info_changed.query_string
        if message.WhichOneof("type") == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            if kind in ("selectbox", "file_uploader"):
                widget = getattr(element, kind)
                self._widgets[widget.label], self._parts[widget.label] = widget.id, message.delta.fragment_id
                if kind == "selectbox":
                    self.options[widget.label] = list(widget.options)
            elif kind == "exception":
                raise RuntimeError(f"The page failed: {element.exception.type}: {element.exception.message}")

    def _next(self, limit: float = LIMIT) -> ForwardMsg:
        found = self._socket.recv(timeout=limit)
        assert isinstance(found, bytes)
        message = ForwardMsg.FromString(found)
        self._note(message)
        return message

    def _widget(self, label: str) -> str:
        if label not in self._widgets:
            raise RuntimeError(f"The page has no {label!r}; it has {', '.join(self._widgets)}.")
        return self._widgets[label]
