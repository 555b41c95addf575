"""The bars of the classes' probabilities."""

import re

from ui.explain.probabilities import BAR, MARK, OTHER, probability_bars

NAME = "<img src=x> & b"


def rows(html: str) -> list[str]:
    return re.findall("<li.*?</li>", html)


def test_every_class_has_its_bar_and_operating_point() -> None:
    first, second = rows(probability_bars({"a": 0.7, "b": 0.3}, {"a": {"specificity_0.95": 0.4}}, "a"))
    assert "width:70.00%" in first
    assert ">70.0%<" in first
    assert "width:30.00%" in second
    assert ">30.0%<" in second
    assert f"left:40.00%;top:-4px;bottom:-4px;width:2px;background:{MARK}" in first
    assert "called a from 40.0% on (95% specificity on validation images)" in first
    assert MARK not in second
    assert BAR in first
    assert BAR not in second
    assert OTHER in second


def test_a_difference_emphasises_no_bar_and_names_stay_text() -> None:
    (row,) = rows(probability_bars({NAME: 0.5}, {NAME: {"specificity_0.95": 0.6}}, "a - b"))
    assert BAR not in row
    assert "<img" not in row
    assert row.count("&lt;img src=x&gt; &amp; b") == 3
