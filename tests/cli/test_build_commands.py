import pytest

from covid_model.cli import build
from covid_model.cli.main import parser


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ("imagenet", build.run_imagenet),
        ("lungs --manifest m --masks d", build.run_lungs),
        ("input-check --manifest m --all-views a", build.run_input_check),
        ("tour", build.run_tour),
        ("recorded-run r --out o", build.run_recorded_run),
        ("synthetic train --manifest m --out o --stage draft", build.run_synthetic_train),
        ("synthetic draw --generator g --manifest m --out o", build.run_synthetic_draw),
    ],
)
def test_what_builds_what_ships_is_one_group(words: str, run: object) -> None:
    assert parser().parse_args(["build", *words.split()]).run is run


@pytest.mark.parametrize("old", ["zoo", "lungs", "tour", "record", "keep", "synthetic", "input-check"])
def test_nothing_of_it_is_left_at_the_top(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([old])
    assert "invalid choice" in capsys.readouterr().err


def test_the_help_is_prose(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    shown = capsys.readouterr().out
    assert "not a diagnosis" in shown and ">>>" not in shown
