"""Import contracts: those of pyproject.toml, and one that they cannot express."""

import subprocess
import sys
from pathlib import Path

import grimp

from tests.conftest import ROOT

MODEL_MAY_IMPORT = {"numpy", "onnxruntime"}


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    shown = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stdout


def test_the_model_imports_numpy_and_onnxruntime_alone() -> None:
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    modules = {"service.model", *graph.find_descendants("service.model")}
    imports = {
        (target.partition(".")[0], module)
        for module in modules
        for target in graph.find_modules_directly_imported_by(module)
    }
    foreign = {target for target, _ in imports} - {"service"} - sys.stdlib_module_names
    assert foreign == MODEL_MAY_IMPORT
    users = {module for target, module in imports if target == "onnxruntime"}
    assert users == {"service.model.session"}


def test_fastapi_lives_in_the_app_and_the_api() -> None:
    graph = grimp.build_graph("service", include_external_packages=True, cache_dir=None)
    users = graph.find_modules_that_directly_import("fastapi")
    assert users
    assert all(user == "service.app" or user.startswith("service.api.") for user in users)


def test_training_imports_nothing_of_the_service_but_its_model() -> None:
    graph = grimp.build_graph("service", "training", cache_dir=None)
    imported = {
        target
        for module in graph.find_descendants("training")
        for target in graph.find_modules_directly_imported_by(module)
        if target.startswith("service")
    }
    assert imported
    of_every_command = {"service.console", "service.labels", "service.process", "service.rows"}
    assert all(
        (f"{target}.").startswith("service.model.") for target in imported - of_every_command
    )


def test_the_service_loads_no_training_library() -> None:
    code = (
        "import sys, service.__main__;"
        "names = ('tensorflow', 'keras', 'onnx', 'rich', 'typer', 'training');"
        "print([name for name in names if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
