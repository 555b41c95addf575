"""A patient's name in a DICOM file reaches no page, export, log or disk."""

import logging
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import CHROMIUM, served, settled
from drawing import dataset, saved
from pydicom.dataset import Dataset
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model.cli.main import main
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.settings import MANIFEST, MODELS, RUNS, SAMPLES, THUMBNAILS
from ui.menu import PAGES

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
NAME = "Quetzalina"
IDENTIFYING = """
    PatientName PatientID PatientAddress PatientComments PatientMotherBirthName OtherPatientNames OtherPatientIDs
    PatientTelephoneNumbers AdditionalPatientHistory MilitaryRank Occupation ReferringPhysicianName
    PhysiciansOfRecord PerformingPhysicianName OperatorsName InstitutionName InstitutionAddress StationName
    DeviceSerialNumber AccessionNumber StudyID StudyDescription SeriesDescription ProtocolName ImageComments
    DerivationDescription RequestingPhysician RequestedProcedureDescription IssuerOfPatientID ManufacturerModelName
    Manufacturer BodyPartExamined ViewPosition WindowCenterWidthExplanation RescaleType PresentationLUTShape
"""
"""Attributes of text, among them some that the reader looks at."""


@pytest.fixture(scope="module")
def dicom() -> bytes:
    """A chest phantom with the name in every attribute of IDENTIFYING, in a sequence and in private elements."""
    pixels = draw_phantom(PHANTOMS["dense"]).astype(np.uint16) * 16
    item = dataset(pixels, **dict.fromkeys(IDENTIFYING.split(), NAME))
    nested = Dataset()
    nested.PatientName = nested.CodeMeaning = NAME
    item.ReferencedPatientSequence = [nested]
    block = item.private_block(0x0029, f"{NAME} PRIVATE", create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", NAME.encode())
    data = saved(item)
    assert data.count(NAME.encode()) > len(IDENTIFYING.split())
    return data


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds all that this process writes: working folder, temporary files, cache, home."""
    for name in ("work", "temp", "home", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    for variable, name in {
        "TMPDIR": "temp",
        "HOME": "home",
        "XDG_CACHE_HOME": "cache",
        THUMBNAILS.variable: "cache",
    }.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


def named(content: str | bytes) -> bool:
    """Is the name in it, in any case, as text of one or two bytes a character?"""
    data = content.encode() if isinstance(content, str) else content
    return any(re.search(re.escape(NAME.encode(coding)), data, re.IGNORECASE) for coding in ("ascii", "utf-16-le"))


def named_files(folder: Path) -> list[Path]:
    """Files with the name in path or content."""
    return [path for path in folder.rglob("*") if named(path.name) or (path.is_file() and named(path.read_bytes()))]


def test_the_command_line_writes_no_name(
    dicom: bytes,
    machine: Path,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    image = tmp_path_factory.mktemp("given") / "case.dcm"
    image.write_bytes(dicom)
    assert main(["predict", str(image), "--json"]) == 0
    assert main(["predict", str(image)]) == 0
    assert main(["explain", str(image), "--trust", "--out", "results"]) == 0
    printed = capfd.readouterr()
    assert "case.dcm" in printed.out
    assert not named(printed.out + printed.err + caplog.text)
    results = machine / "work" / "results"
    assert {path.suffix for path in results.iterdir()} >= {".png", ".json", ".npy", ".parquet"}
    assert named_files(machine) == []


def test_pages_exports_logs_and_disk_hold_no_name(
    dicom: bytes,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    exports: dict[str, Callable[[], bytes]] = {}

    def keep(_: str, data: Callable[[], bytes], file_name: str, *__: Any, **___: Any) -> None:
        exports[file_name] = data

    app = AppTest.from_file(ENTRY, default_timeout=120).run()
    monkeypatch.setattr("streamlit.download_button", keep)
    app.file_uploader[0].upload(f"{NAME}.dcm", dicom, "application/dicom").run()
    assert "DICOM" in page_text(app)
    for panel in ("What if …", "Export"):
        app.session_state["panel"] = panel
        app.run()
        assert not app.exception
        assert not named(page_text(app) + str(app.main) + str(app.sidebar.markdown) + str(app.query_params))
    assert {Path(name).suffix for name in exports} == {".html", ".png", ".npy", ".json"}
    for name, export in exports.items():
        assert not named(name), name
        assert not named(export()), name
    for page in PAGES[1:]:
        app.switch_page(page.file).run()
        assert not app.exception
        assert not named(page_text(app) + str(app.main))
    printed = capfd.readouterr()
    assert not named(printed.out + printed.err + caplog.text)
    assert named_files(machine) == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install Debian's `chromium` to run the journey")
def test_an_upload_by_browser_leaves_no_name_on_the_server(page, dicom: bytes, machine: Path) -> None:
    """The browser shows the name of the file to the person who chose it; the server keeps it nowhere."""
    folders = {setting.variable: str(machine / "work" / setting.variable) for setting in (RUNS, MODELS, MANIFEST, SAMPLES)}
    log = machine / "server.log"
    with served({**folders, "STREAMLIT_LOGGER_LEVEL": "debug"}, log) as address:
        page.goto(address)
        settled(page)
        upload = {"name": f"{NAME}.dcm", "mimeType": "application/dicom", "buffer": dicom}
        page.locator("input[type=file]").first.set_input_files(upload)
        page.get_by_text("Your upload").wait_for()
        settled(page)
        page.get_by_role("tab", name="Export").click()
        page.get_by_text("Uploads are not stored").wait_for()
        assert not named(page.get_by_test_id("stMain").inner_html())
        assert not named(page.url + page.title())
        assert named_files(machine) == []
        page.goto("about:blank")  # before the server ends, which the page would report as an error
    assert log.stat().st_size > 0
    assert named_files(machine) == []
