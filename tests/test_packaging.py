"""What an installation holds: the console script, and every file that the package reads at run time."""

import tomllib
from importlib import import_module
from pathlib import Path
from runpy import run_path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent


def test_the_console_script_is_the_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "xray-explained"
    module, _, function = project["scripts"]["xray-explained"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_every_file_beside_the_code_is_packaged() -> None:
    with patch("setuptools.setup") as setup:
        run_path(str(ROOT / "setup.py"))
    arguments = setup.call_args.kwargs
    code = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in (ROOT / "covid_model").rglob("*.py")}
    assert code <= set(arguments["packages"])
    held = {path for pattern in arguments["package_data"]["covid_model"] for path in (ROOT / "covid_model").glob(pattern)}
    beside = {
        path
        for path in (ROOT / "covid_model").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    }
    assert beside <= held
    assert arguments["package_dir"] == {"covid_model.assets": "assets"}
