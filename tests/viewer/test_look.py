"""Display options: from an address, from a browser, and back."""

import pytest

from covid_model.viewer.look import Look

OTHER = Look(0.25, 0.1, "turbo", (0.2, 0.75), True, False, False, True, "wipe", (2.5, 0.25, 0.75))


def test_what_is_not_the_default_goes_into_an_address_and_back() -> None:
    assert Look().params() == {}
    params = OTHER.params()
    assert params["window"] == ["0.2", "0.75"]
    assert (params["opacity"], params["invert"], params["lungs"], params["cmap"]) == (
        ["0.25"],
        ["true"],
        ["false"],
        ["turbo"],
    )
    assert Look.read(params) == OTHER


def test_a_browser_sends_it_as_json() -> None:
    assert Look.of(OTHER.json()) == OTHER


@pytest.mark.parametrize(
    "params",
    [
        {"opacity": ["many"]},
        {"opacity": ["1.5"]},
        {"opacity": ["nan"]},
        {"window": ["0.5"]},
        {"window": ["0.7", "0.2"]},
        {"cmap": ["rainbow"]},
        {"invert": ["maybe"]},
        {"mode": ["cinema"]},
        {"zoom": ["0.5", "0.5", "0.5"]},
        {"zoom": ["2", "inf", "0.5"]},
        {"image": ["covid-19-0"]},
    ],
)
def test_nonsense_is_the_default(params: dict[str, list[str]]) -> None:
    assert Look.read(params) == Look()


@pytest.mark.parametrize(
    "values", [{"opacity": True}, {"opacity": None}, {"cmap": ["inferno"]}, {"window": "01"}, {"invert": 1}]
)
def test_other_types_are_the_default(values: dict[str, object]) -> None:
    assert Look.of(values) == Look()
