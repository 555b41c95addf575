"""What the tables register is documented, and what the documents tell people to type exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from covid_model.cli.main import parser
from covid_model.data.sources import SOURCES
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.explain.methods import METHODS
from covid_model.models.specs import MODELS
from docs import archive, default_model, faults, pages, speed, trust_benchmark
from docs.reference import FILE, reference

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
COMMANDS = sorted(
    {*re.findall(r"^python -m covid_model (.+?)(?:\s+#.*)?$", "\n".join([README, *PAGES.values()]), re.MULTILINE)}
)
SAMPLE = repr(str(shipped_samples()["covid-19-0"].path))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_readme_and_docs_parses(command: str) -> None:
    words = re.sub(r"--model (mine|demo)\b", "--model lungs", command).split()  # models that a reader has registered
    if words == ["--help"]:
        with pytest.raises(SystemExit) as left:
            parser().parse_args(words)
        assert left.value.code == 0
    else:
        assert callable(parser().parse_args(words).run)


def test_the_readme_is_short_and_shows_commands() -> None:
    assert len(COMMANDS) >= 6
    assert len(README.splitlines()) <= 75


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=str
)
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_python_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_blocks(README, tmp_path, monkeypatch)
    assert list((tmp_path / "out").glob("*.png"))


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if "```python" in page])
def test_the_python_blocks_of_every_page_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_blocks(PAGES[name], tmp_path, monkeypatch)


def run_blocks(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page's Python blocks one after the other, as somebody would who types along, on a shipped image."""
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    monkeypatch.chdir(folder)
    known: dict[str, object] = {}
    for block in blocks:
        exec(block.replace('"chest.dcm"', SAMPLE), known)


@pytest.mark.parametrize("path, text", list(pages.pages()), ids=lambda value: value.name if isinstance(value, Path) else "")
def test_every_method_and_test_has_its_page_as_the_tables_say(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text, "run `python -m docs.pages`"


def test_no_page_is_left_of_what_is_gone() -> None:
    written = {path for path, _ in pages.pages() if path.parent.name in ("methods", "trust-tests")}
    assert {*(ROOT / "docs" / "methods").glob("*.md"), *(ROOT / "docs" / "trust-tests").glob("*.md")} == written
    tests = {path.with_suffix(".png") for path in written if path.parent.name == "trust-tests"}
    assert tests == {*(ROOT / "docs" / "trust-tests").glob("*.png")}
    assert {path.with_suffix(".jpg") for path in written if path.parent.name == "methods"} == {
        *(ROOT / "docs" / "methods").glob("*.jpg")
    }


def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "methods" / "gradcam.html").is_file()
    assert "load_model" in (tmp_path / "api.html").read_text("utf-8")


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_described(name: str) -> None:
    assert f"`{name}`" in PAGES["data.md"]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_in_the_reference_with_its_licence(name: str) -> None:
    assert f"(`{name}`)" in FILE.read_text("utf-8")
    assert f"Licence: {SOURCES[name].licence}." in FILE.read_text("utf-8")


@pytest.mark.parametrize("row", METHODS.values(), ids=lambda row: row.key)
def test_every_method_says_what_it_shows_what_not_and_where_from(row) -> None:
    assert row.shows.endswith(".")
    assert row.limits.endswith(".")
    assert re.search(r"\d{4}", row.paper)


@pytest.mark.parametrize("row", MODELS.values(), ids=lambda row: row.key)
def test_every_model_says_what_it_sees_and_what_it_is_not_for(row) -> None:
    assert row.summary.endswith(".")
    assert any("never a diagnosis" in limit for limit in row.limits)


def test_the_ci_runs_exactly_the_readmes_test_command() -> None:
    assert "<!-- test command -->" in README
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_the_reference_is_what_the_tables_say() -> None:
    assert FILE.read_text("utf-8") == reference(), "run `python -m docs.reference`"


def test_the_speed_page_is_what_the_results_say() -> None:
    assert speed.FILE.read_text("utf-8") == speed.page(speed.measured()), "run `python -m docs.speed`"


def test_the_page_of_faults_is_what_the_results_say() -> None:
    assert faults.FILE.read_text("utf-8") == faults.page(faults.measured()), "run `python -m docs.faults`"


def test_what_went_wrong_is_on_the_page_of_faults() -> None:
    found = faults.measured()
    found["server_kills"]["wrong"] = ["kill 3: tag 7"]
    del found["interpreters"]["interpreters"][0]["seconds"]["training"]
    text = faults.page(found)
    assert "**Wrong: kill 3: tag 7.**" in text
    assert "**failed**" in text
    assert "**failed**" not in faults.page(faults.measured())


def test_the_page_of_archives_is_what_the_results_say() -> None:
    assert archive.FILE.read_text("utf-8") == archive.page(archive.measured()), "run `python -m docs.archive`"


def test_the_trust_benchmark_page_is_what_the_results_say() -> None:
    assert trust_benchmark.FILE.read_text("utf-8") == trust_benchmark.page(), "run `python -m docs.trust_benchmark`"


def test_the_page_of_the_default_model_is_what_the_results_say() -> None:
    assert default_model.FILE.read_text("utf-8") == default_model.page(), "run `python -m docs.default_model`"


def test_a_bar_that_is_missed_is_said_to_be_missed() -> None:
    scores = default_model.chosen()
    kept = {measure: kept for measure, _, _, kept in default_model.bars(scores)}
    name = "AUC among adults of all collections, cross-validated"
    better = scores | {"auc/adults": {"value": 0.96, "low": 0.95, "high": 0.97}}
    worse = scores | {"auc/adults": {"value": 0.94, "low": 0.93, "high": 0.99}}
    found = [next(row[3] for row in default_model.bars(one) if row[0] == name) for one in (better, worse)]
    assert found == [True, False]
    text = default_model.tables()
    assert text.count("| kept |") == sum(kept.values())
    assert text.count("| **missed** |") == len(kept) - sum(kept.values())
