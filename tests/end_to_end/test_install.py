"""The wheel and the sdist: what is in them, and their use in an empty folder, from nothing."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

from service import __version__
from service.model.compile_encoder import TARGETS, checksum
from tests.conftest import LATEST, ROOT
from tests.end_to_end.running_service import RunningService

MAX_WHEEL_BYTES = 8_000_000
ENCODER = "model/_encoding-"
TEXT = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs a barrel."
UV = Path(sys.executable).parent
Files = dict[str, bytes]


def files_below(folder: Path) -> Files:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def below(folder: str, files: Files) -> Files:
    """Return the files of a folder of an archive, by their names there."""
    return {
        name.removeprefix(folder): content
        for name, content in files.items()
        if name.startswith(folder)
    }


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what ``make dist`` builds: the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("distributions") / "dist"
    subprocess.run(["make", "dist", f"DIST={folder}"], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return distributions / f"newswire_topics-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> Files:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def in_sdist(distributions: Path) -> Files:
    name = f"newswire_topics-{__version__}"
    files = {}
    with tarfile.open(distributions / f"{name}.tar.gz") as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None
            files[member.name.removeprefix(f"{name}/")] = stream.read()
    return files


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which only the wheel was installed."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    programs = environment / "bin"
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([programs / "python", *install, wheel], check=True)
    return programs


def run(folder: Path, *command: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False
    )


def test_the_wheel_has_the_newest_bundle_alone(wheel: Path, in_wheel: Files) -> None:
    folder = "service/models/reuters/"
    assert below(f"{folder}{LATEST.name}/", in_wheel) == files_below(LATEST)
    assert {name.split("/")[0] for name in below(folder, in_wheel)} == {LATEST.name}
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


def test_the_wheel_has_the_packages_and_their_data(in_wheel: Files) -> None:
    packages = {name.split("/")[0] for name in in_wheel if ".dist-info/" not in name}
    assert packages == {"deploy", "service", "training"}
    assert {name.split("/")[1] for name in in_wheel if name.startswith("deploy/")} == {
        *("__init__.py", "batch"),
    }
    for folder in ("deploy/batch", "service", "training"):
        files = {
            name: data
            for name, data in files_below(ROOT / folder).items()
            if "__pycache__" not in name and ENCODER not in name
        }
        packaged = below(f"{folder}/", in_wheel)
        others = ("models/", ENCODER)
        assert files == {
            name: data for name, data in packaged.items() if not any(o in name for o in others)
        }


def test_the_wheel_has_the_encoder_of_each_platform(in_wheel: Files, in_sdist: Files) -> None:
    libraries = below(f"service/{ENCODER}", in_wheel)
    assert {*libraries} == {f"{name}.{end}" for name in TARGETS for end in ("so", "sha256")}
    for name in TARGETS:
        assert libraries[f"{name}.sha256"].decode() == checksum(libraries[f"{name}.so"])
    assert not below(f"service/{ENCODER}", in_sdist)


def test_the_wheel_has_metadata(in_wheel: Files) -> None:
    folder = f"newswire_topics-{__version__}.dist-info"
    metadata = BytesParser().parsebytes(in_wheel[f"{folder}/METADATA"])
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert f"{folder}/licenses/LICENSE" in in_wheel
    assert {"batch", "training"} <= set(metadata.get_all("Provides-Extra", []))
    assert b"newswire = service.cli.__main__:main" in in_wheel[f"{folder}/entry_points.txt"]


def test_the_sdist_has_the_sources_and_one_bundle(in_sdist: Files) -> None:
    assert {name.split("/")[0] for name in in_sdist} == {
        *("deploy", "models", "service", "training"),
        *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md"),
        *("hatch_build.py", "pyproject.toml"),
    }
    assert below(f"models/reuters/{LATEST.name}/", in_sdist) == files_below(LATEST)
    assert {name.split("/")[0] for name in below("models/reuters/", in_sdist)} == {LATEST.name}


@pytest.mark.parametrize("archive", ["in_wheel", "in_sdist"])
def test_no_file_names_this_machine(archive: str, request: pytest.FixtureRequest) -> None:
    files: Files = request.getfixturevalue(archive)
    places = {str(ROOT), sys.prefix, os.path.realpath(sys.prefix)}
    found = [
        (name, place) for name, data in files.items() for place in places if place.encode() in data
    ]
    assert found == []
    assert [name for name in files if "__pycache__" in name or name.endswith(".pyc")] == []


def test_the_installed_command_classifies_anywhere(installed: Path, tmp_path: Path) -> None:
    shown = run(tmp_path, installed / "newswire", "classify", "-", text=TEXT)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[1].split("\t")[:2] == ["-", "crude"]
    shown = run(tmp_path, installed / "newswire", "model")
    assert f"version\t{LATEST.name}\n" in shown.stdout
    shown = run(tmp_path, installed / "newswire", "--version")
    assert shown.stdout == f"newswire {__version__}\n"
    assert list(tmp_path.iterdir()) == []


def test_models_of_the_working_folder_come_first(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "models" / "reuters" / "1", tmp_path / "models" / "reuters" / "1")
    assert "version\t1\n" in run(tmp_path, installed / "newswire", "model").stdout


@pytest.mark.parametrize("command", [["newswire", "serve"], ["python", "-m", "service"]])
def test_the_installed_service_answers(installed: Path, tmp_path: Path, command: list[str]) -> None:
    service = RunningService([str(installed / command[0]), *command[1:]])
    service.folder = tmp_path
    with service:
        found = service.client.post("/classify", json={"text": TEXT}).json()
        assert found["topic"] == "crude"
        assert found["model"]["version"] == LATEST.name
        assert "<html" in service.client.get("/").text
        assert service.client.get("/openapi.json").json()["info"]["version"] == __version__
        assert service.stop() == 0


def test_the_python_interface_finds_the_bundle(installed: Path, tmp_path: Path) -> None:
    program = "from service.model import load_classifier; print(load_classifier().manifest.version)"
    assert run(tmp_path, installed / "python", "-c", program).stdout == f"{LATEST.name}\n"


@pytest.mark.parametrize(("module", "extra"), [("training", "training"), ("deploy.batch", "batch")])
def test_jobs_name_their_extra(installed: Path, tmp_path: Path, module: str, extra: str) -> None:
    shown = run(tmp_path, installed / "python", "-m", module, "--help")
    assert shown.returncode == 2
    assert f"pip install 'newswire-topics[{extra}]'" in shown.stderr


def test_uvx_serves_the_checkout_anywhere(tmp_path: Path) -> None:
    command = [str(UV / "uvx"), "--from", str(ROOT), "newswire"]
    subprocess.run([*command, "--version"], cwd=tmp_path, check=True)  # builds and installs
    service = RunningService([*command, "serve"])
    service.folder = tmp_path
    with service:
        assert service.client.post("/classify", json={"text": TEXT}).json()["topic"] == "crude"


def test_uv_installs_the_command_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_TOOL_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("UV_TOOL_BIN_DIR", str(tmp_path / "bin"))
    subprocess.run([UV / "uv", "tool", "install", ROOT], cwd=tmp_path, check=True)
    shown = run(tmp_path, tmp_path / "bin" / "newswire", "classify", "-", text=TEXT)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^-\tcrude\t", shown.stdout, re.M)
