"""Build hook of hatchling: the newest bundle in wheel and sdist, the encoder in C in the wheel."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODELS = "models/reuters"
COMPILER = "service/model/compile_encoder.py"
LIBRARIES = "service/model/_encoding-*"


class BundleAndEncoder(BuildHookInterface):
    """Adds the bundle of the highest number, as package data of ``service`` in a wheel.

    A wheel also has the encoder in C, compiled for all platforms. Without a compiler it has none,
    and texts are encoded in Python.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add both; an editable install finds the bundles of the checkout."""
        if self.target_name == "wheel":
            options = [] if version == "editable" else ["--all"]
            compiled = subprocess.run(  # noqa: S603
                [sys.executable, COMPILER, *options], cwd=self.root, check=False
            )
            if compiled.returncode:
                self.app.display_warning("No encoder in C: texts are encoded in Python, slower")
            build_data["artifacts"].append(LIBRARIES)
        if version == "editable":
            return
        folders = Path(self.root, MODELS).iterdir()
        newest = max((path for path in folders if path.name.isdecimal()), key=lambda p: int(p.name))
        if not (newest / "manifest.sha256").is_file():
            self.app.abort(f"{newest}: expected a complete bundle, manifest.sha256 not found")
        package = "service/" if self.target_name == "wheel" else ""
        build_data["force_include"][str(newest)] = f"{package}{MODELS}/{newest.name}"
