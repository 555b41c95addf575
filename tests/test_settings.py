"""Who a server is for, and what a public one refuses, where the work is done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from covid_model import settings
from covid_model.data.saved_queries import write_saved_queries
from covid_model.errors import HostError
from covid_model.models.importing import remove_model
from covid_model.training.process import delete, end, launch
from covid_model.training.register import register
from covid_model.training.run_folder import RunFolder


@pytest.mark.parametrize(
    ("address", "value", "public"),
    [
        ("localhost", "", False),
        ("127.0.0.1", "", False),
        (None, "", True),
        ("0.0.0.0", "", True),
        ("192.168.1.5", "", True),
        ("0.0.0.0", "0", False),
        ("localhost", "1", True),
    ],
)
def test_a_server_is_public_where_others_can_reach_it(
    address: str | None, value: str, public: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(settings.PUBLIC.variable, value)
    monkeypatch.setattr(settings, "COMMUNITY_CLOUD", tmp_path / "absent")
    settings.serve(address)
    assert settings.is_public_host() is public


def test_community_cloud_is_public_on_every_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(settings.PUBLIC.variable)
    monkeypatch.setattr(settings, "COMMUNITY_CLOUD", tmp_path)
    settings.serve("localhost")
    assert settings.is_public_host()


@pytest.mark.parametrize(
    "work",
    [
        lambda run: launch(["--resume", str(run.path)], run),
        end,
        delete,
        lambda run: run.ask_to_stop(),
        register,
        lambda run: remove_model("mine"),
        lambda run: write_saved_queries(run.path / "manifest.parquet", {}),
    ],
    ids=["start or resume", "end", "delete", "stop", "register", "remove", "save a query"],
)
def test_a_public_server_refuses_in_one_sentence_and_changes_nothing(
    work: Callable[[RunFolder], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.PUBLIC.variable, "1")
    settings.serve("localhost")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    (run.path / "status.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HostError, match="switched off on a public copy"):
        work(run)
    assert sorted(tmp_path.rglob("*")) == before


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "reference.md").read_text("utf-8")
    for row in settings.SETTINGS:
        assert f"`{row.variable}`" in page
