"""A source is one file: registered, it reaches the command line, the page, the reference and a manifest."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import layouts
import pytest
from streamlit.testing.v1 import AppTest

from covid_model.cli.main import main
from covid_model.data.manifest import read_manifest
from covid_model.data.sources import SOURCES, find_sources
from docs.reference import reference

FILE = Path(__file__).with_name("throwaway_source.py")
ROOT = FILE.parents[2]


@pytest.fixture
def registered() -> Iterator[None]:
    runpy.run_path(str(FILE))
    yield
    del SOURCES["throwaway"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for number in range(12):
        layouts.save(tmp_path / "throwaway" / "x" / f"{number}.png", number)
        rows.append(f"{number}.png,{('corona', 'well', 'odd')[number % 3]},p{number},PA")
    (tmp_path / "throwaway" / "list.csv").write_text("\n".join(["file,dx,who,view", *rows]))
    return tmp_path / "throwaway"


def test_it_takes_less_than_thirty_lines() -> None:
    assert len(FILE.read_text().splitlines()) < 30


@pytest.mark.usefixtures("registered")
def test_the_command_line_builds_a_manifest_from_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["data", "build", "--help"])
    assert "throwaway" in capsys.readouterr().out
    out = tmp_path / "m.parquet"
    assert main(["data", "build", "--source", f"throwaway={folder}", "--out", str(out)]) == 0
    assert "left out by label, throwaway: odd 4" in capsys.readouterr().out
    assert sorted(read_manifest(out)["label"]) == ["COVID-19"] * 4 + ["Normal"] * 4
    assert set(read_manifest(out)["licence"]) == {"CC0"}
    assert find_sources(tmp_path) == {"throwaway": folder}


@pytest.mark.usefixtures("registered")
def test_the_reference_describes_it() -> None:
    assert "### Throwaway collection (Nobody 2026) (`throwaway`)" in reference()
    assert "Licence: CC0. All its images show children." in reference()
    assert "COVID-19 from `corona`; Normal from `well`" in reference()


@pytest.mark.usefixtures("registered")
def test_the_dataset_page_lists_every_source_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "none.parquet"))
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.query_params["view"] = "Get images"
    app.run()
    app.switch_page("pages/dataset.py").run()
    assert not app.exception
    titles = [each.label for each in app.expander]
    assert "Throwaway collection (Nobody 2026)" in titles
    assert [titles.count(source.title) for source in SOURCES.values()] == [1] * len(SOURCES)
    assert any("data fetch throwaway" in each.value for each in app.code)


def test_a_name_is_taken_once(registered: None) -> None:
    with pytest.raises(ValueError, match="The source 'throwaway' is registered already"):
        runpy.run_path(str(FILE))
