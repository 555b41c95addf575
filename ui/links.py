"""The choices that all pages share, and the address that repeats them: image, model, class, method, layer and options."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from covid_model.errors import CovidModelError
from ui.visits import Choices, choices_of_session

PRIVATE: Final = ("panel",)
"""Parameters that a shared link leaves out: which tab was open when it was copied."""
WORDS: Final = {"target": "class", "cmap": "colour map"}
"""What a parameter names, where its name is no word."""


class UnknownLinkError(CovidModelError):
    """A link names something that does not exist here."""


def explain_params(**wanted: str) -> dict[str, str]:
    """Parameters of a link to the Explain page, by name (image, model, method). What it does not name stays as chosen."""
    return wanted


def newly_named(name: str) -> str | None:
    """What the address names since the last page switch or step through the history, if it was not read yet."""
    return st.query_params.get(name) if choices_of_session().is_new(name) else None


def wanted(name: str) -> str | None:
    """What the address newly names, or else what the session chose on any page; it may not exist."""
    return newly_named(name) or choices_of_session().chosen.get(name)


def written_params() -> dict[str, list[str]]:
    """What the boxes of this page last wrote into the address; an empty list where they took a parameter out.

    A rerun starts from the address that the browser had when it asked for it. Where a fragment was asked for before the
    browser heard of a new choice, that address is the old one, and the fragment must write the choice once more.
    """
    return choices_of_session().written


def shared_address() -> str:
    """The address of the current view as a link to share: every parameter, encoded, without the open tab."""
    pairs = [(name, value) for name in st.query_params if name not in PRIVATE for value in st.query_params.get_all(name)]
    return f"{(st.context.url or '').split('?')[0]}{'?' + urlencode(pairs) if pairs else ''}"


def linked_select(label: str, options: Mapping[str, str], name: str, *, help: str | None = None, off: bool = False) -> str:
    """A select box of `options` (key -> label) whose key all pages share and the address repeats as `?name=key`.

    Streamlit's own binding would store the label, and a reworded label would break every link. The first option is the
    default, which the address omits unless a link named it. off: disabled, and neither read from the address nor in it.
    Raises UnknownLinkError, below the box, while a link's key is not among the options.
    """
    picked = _picked(label, options, name, help, off)
    if picked is None:
        word, named = WORDS.get(name, name), str(choices_of_session().named[name])[:80]
        raise UnknownLinkError(f"This link names the {word} “{named}”, which is not available here; choose another {word}.")
    if off or (picked == next(iter(options)) and st.query_params.get(name) != picked):
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != picked:
        st.query_params[name] = picked
    choices_of_session().written[name] = st.query_params.get_all(name)
    return picked


def linked_multiselect(label: str, options: Mapping[str, str], name: str, start: list[str]) -> list[str]:
    """As `linked_select` for several options, each repeated in the address as `?name=key&name=key`; may be empty.

    start: keys of the options, chosen where nothing else is; the address omits them. Raises UnknownLinkError, below the box,
    while one of a link's keys is not among the options.
    """
    choices, state = choices_of_session(), f"{name}_choices"
    if is_new := choices.is_new(name):
        choices.seen[name] = choices.visit
        if linked := list(dict.fromkeys(st.query_params.get_all(name))):
            choices.several[name] = choices.named[name] = linked
        elif choices.back:
            choices.several.pop(name, None)
    kept = choices.several.get(name, start)
    shown = [key for key in kept if key in options] or ([] if kept == choices.named.get(name) else start)
    if is_new or state not in st.session_state or not set(st.session_state[state]) <= set(options):
        st.session_state[state] = shown
    picked: list[str] = st.multiselect(label, list(options), format_func=options.__getitem__, key=state)
    if picked != shown:
        choices.several[name] = picked
    elif kept == choices.named.get(name) and (unknown := [key for key in kept if key not in options]):
        raise UnknownLinkError(f"This link names “{unknown[0][:80]}”, which is not available here; choose others.")
    repeat_in_address(name, [] if picked == start else picked)
    return picked


def choose(name: str, key: str | None) -> None:
    """Have the box of `linked_select` show this option in the next run, or its default."""
    choices = choices_of_session()
    choices.named.pop(name, None)
    choices.chosen.pop(name, None)
    if key is not None:
        choices.chosen[name] = st.session_state[f"{name}_choice"] = key


def repeat_in_address(name: str, values: list[str]) -> None:
    """Write a parameter's values into the address; none take it out."""
    if st.query_params.get_all(name) != values:
        st.query_params.update({name: values})
    choices_of_session().written[name] = values


def _picked(label: str, options: Mapping[str, str], name: str, help: str | None, off: bool) -> str | None:
    """What the box shows: the session's choice, read from the address first where that is new; None where unknown."""
    choices, state, default = choices_of_session(), f"{name}_choice", next(iter(options))
    if is_new := choices.is_new(name):
        _read_address(choices, name, off)
    kept = choices.chosen.get(name, default)
    if kept in options:
        choices.named.pop(name, None)
    unknown = not off and kept == choices.named.get(name)
    shown = None if unknown else kept if kept in options else default
    # Where nobody chose, another default is followed, though the one before may still be among the options.
    followed = name not in choices.chosen and choices.defaults.get(name, default) != default
    choices.defaults[name] = default
    if is_new or followed or st.session_state.get(state) not in options:
        st.session_state[state] = shown
    picked: str | None = st.selectbox(
        label,
        list(options),
        None if unknown else 0,
        format_func=options.__getitem__,
        key=state,
        help=help,
        disabled=off,
        placeholder="Choose",
    )
    if picked is not None and picked != shown:
        choices.chosen[name] = picked
    return picked


def _read_address(choices: Choices, name: str, off: bool) -> None:
    """Take what the address names; where it names nothing, a step through the history of a page returns to the default.

    off: the choice stays as it is, since the address does not speak of it.
    """
    choices.seen[name] = choices.visit
    if off:
        return
    named = st.query_params.get(name)
    if named is not None:
        choices.chosen[name] = choices.named[name] = named
    elif choices.back:
        choices.chosen.pop(name, None)
        choices.named.pop(name, None)
