"""Runs the code that the page shows; each function returns what it prints."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run_curl(code: str, folder: Path) -> str:
    return subprocess.check_output(["sh", "-c", code], text=True)


def run_python(code: str, folder: Path) -> str:
    path = folder / "request.py"
    path.write_text(code, encoding="utf-8")
    return subprocess.check_output([sys.executable, "-I", "-W", "error", path], text=True)


def run_node(code: str, folder: Path) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: install the package nodejs")
    path = folder / "request.js"
    path.write_text(code, encoding="utf-8")
    return subprocess.check_output([node, path], text=True)


RUN = {"curl": run_curl, "Python": run_python, "JavaScript": run_node}
