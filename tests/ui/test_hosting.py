"""What a public copy limits, and sign-in."""

import importlib.util
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import streamlit as st
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model import settings
from covid_model.errors import HostError
from covid_model.settings import PUBLIC
from ui import results as results_module
from ui.results import ResultCache
from ui.uploads import MINUTE, UploadLimit

AUTH = {"redirect_uri": "https://host/oauth2callback", "cookie_secret": "x", "client_id": "x", "client_secret": "x"}


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC.variable, "1")
    monkeypatch.setattr(settings._Server, "public", True)


def picture(seed: int) -> bytes:
    """A 64 x 64 PNG of noise."""
    return cv2.imencode(".png", np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8))[1].tobytes()


@pytest.mark.usefixtures("public")
def test_a_visitor_uploads_so_many_images_a_minute() -> None:
    now = 0.0
    limit = UploadLimit(2, lambda: now)
    for digest in ("a", "b", "a"):
        limit.admit("one", digest)
    now = 15.0
    with pytest.raises(HostError, match=r"2 images a minute from one visitor; the next in 45 s\.$"):
        limit.admit("one", "c")
    limit.admit("one", "a")
    limit.admit("another", "c")
    now = MINUTE
    limit.admit("one", "c")


def test_on_ones_own_machine_there_is_no_limit() -> None:
    limit = UploadLimit(1)
    for number in range(5):
        limit.admit("one", str(number))


def test_the_page_says_in_a_sentence_that_the_limit_is_reached(monkeypatch: pytest.MonkeyPatch, public: None) -> None:
    limit = UploadLimit(1)
    monkeypatch.setattr("ui.loaders.uploads", lambda: limit)
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=120).run()
    app.file_uploader[0].upload("first.png", picture(1), "image/png").run()
    assert not any("a minute" in error.value for error in app.error)
    app.file_uploader[0].upload("second.png", picture(2), "image/png").run()
    assert not app.exception
    assert ["takes 1 images a minute from one visitor" in error.value for error in app.error] == [True]


def test_a_public_copy_refuses_answers_beyond_those_it_works_on(monkeypatch: pytest.MonkeyPatch, public: None) -> None:
    monkeypatch.setattr(results_module, "MOST_AT_WORK", 1)
    store = ResultCache()
    assert store.get_or_make("outer", lambda: store.get_or_make("inner", lambda: 3)) == 3, "one needs another"
    store._busy.add(-1)  # another visitor's thread
    with pytest.raises(HostError, match="works on 1 answers for other visitors; try again in a minute"):
        store.get_or_make("new", lambda: 4)
    assert store.get_or_make("inner", lambda: 5) == 3, "what is known is given"
    monkeypatch.setattr(settings._Server, "public", False)
    assert store.get_or_make("new", lambda: 4) == 4
    assert store._busy == {-1}


def opened_with_sign_in() -> AppTest:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=120)
    app.secrets["auth"] = AUTH
    return app


def test_without_an_auth_section_nobody_is_asked_to_sign_in() -> None:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=120).run()
    assert app.file_uploader
    assert not any(button.label.startswith("Sign") for button in app.button)


@pytest.mark.parametrize(
    ("more", "buttons"),
    [({}, ["Sign in"]), ({"clinic": {"client_id": "y"}, "lab": {}}, ["Sign in with clinic", "Sign in with lab"])],
)
def test_a_stranger_sees_only_the_sign_in(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, dict[str, str]], buttons: list[str]
) -> None:
    monkeypatch.setattr("ui.sign_in.find_spec", lambda _: SimpleNamespace())
    app = opened_with_sign_in()
    app.secrets["auth"] = AUTH | more
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == buttons
    assert not app.file_uploader
    assert not app.selectbox


def test_who_is_signed_in_sees_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.sign_in.find_spec", lambda _: SimpleNamespace())
    monkeypatch.setattr(st, "user", {"is_logged_in": True, "sub": "someone", "email": "someone@example.org"})
    app = opened_with_sign_in().run()
    assert not app.exception
    assert app.file_uploader
    assert [button.label for button in app.sidebar.button if button.label == "Sign out"] == ["Sign out"]
    assert "example.org" not in page_text(app)


@pytest.mark.skipif(importlib.util.find_spec("authlib") is not None, reason="Authlib is there")
def test_sign_in_without_authlib_is_one_sentence() -> None:
    app = opened_with_sign_in().run()
    assert not app.exception
    assert ['pip install "streamlit[auth]"' in error.value for error in app.error] == [True]
    assert not app.file_uploader
