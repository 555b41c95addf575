"""What an installation holds: the console script, and every file that the package reads at run time."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from runpy import run_path
from unittest.mock import patch

import pytest
from packaging.version import Version

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


@pytest.mark.skipif(Version(version("setuptools")) < Version("77"), reason="setuptools before 77; see requirements-dev.txt")
def test_an_installation_from_the_source_archive_works_without_the_checkout(tmp_path: Path) -> None:
    """Source archive -> wheel -> an environment with nothing but it and, by a path file, what it depends on."""
    source = tmp_path / "source"
    for name in ("covid_model", "assets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def done(*words: str | Path, at: Path = tmp_path) -> str:
        ran = subprocess.run([str(word) for word in words], cwd=at, env=clean, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        return ran.stdout

    def built(what: str, at: Path) -> Path:
        code = f"from setuptools import build_meta; print(build_meta.build_{what}({str(tmp_path)!r}))"
        return tmp_path / done(sys.executable, "-c", code, at=at).splitlines()[-1]

    with tarfile.open(built("sdist", source)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheel = built("wheel", unpacked)
    environment = tmp_path / "environment"
    done(sys.executable, "-m", "venv", "--without-pip", environment)
    inside = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    (inside / "dependencies.pth").write_text("\n".join(place for place in sys.path if place.endswith("site-packages")))
    scripts = Path(sysconfig.get_path("scripts", "venv", {"base": str(environment)}))
    install = ["-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--no-index", "--quiet", wheel]
    done(sys.executable, *install)

    assert done(scripts / "xray-explained", "--version").strip() == version_of_project()
    code = (
        "import covid_model as c; print(c.__file__); print(c.load_model().predict(c.sample_image('covid-19-0')).predicted)"
    )
    place, predicted = done(scripts / "python", "-c", code).splitlines()
    assert Path(place).is_relative_to(inside)
    assert predicted == "COVID-19"
    code = "from importlib.metadata import requires; print(*requires('xray-explained'), sep='\\n')"
    wanted = [line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert len(done(scripts / "python", "-c", code).splitlines()) == len(wanted)


def version_of_project() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def test_the_compose_file_runs_the_image_for_this_machine_alone_on_a_read_only_disk() -> None:
    import yaml

    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["dashboard"]
    image = (ROOT / "Dockerfile").read_text("utf-8")
    (port,) = re.findall(r"^EXPOSE (\d+)$", image, re.MULTILINE)
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert service["read_only"] is True
    assert "HEALTHCHECK" in image
    (user,) = re.findall(r"useradd --create-home --uid 1000 (\w+)", image)
    assert set(service["tmpfs"]) == {"/tmp", f"/home/{user}"}
    assert service["environment"]["COVID_XRAY_PUBLIC"] == "1"
    assert "volumes" not in service
