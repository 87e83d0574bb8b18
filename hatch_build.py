"""Build hook of hatchling: the newest bundle in both distributions, the encoder in the wheel."""

import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODELS = "models/reuters"
ENCODER = "service/model/_encoding.so"
COMPILER = "service/model/compile_encoder.py"


class BundleAndEncoder(BuildHookInterface):
    """Adds the bundle of the highest number, as package data of ``service`` in a wheel.

    A wheel also has the compiled encoder, where the compiler is there for this platform.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add both, except to an editable install, which finds those of the checkout."""
        if version == "editable":
            return
        folders = Path(self.root, MODELS).iterdir()
        newest = max((path for path in folders if path.name.isdecimal()), key=lambda p: int(p.name))
        if not (newest / "manifest.sha256").is_file():
            self.app.abort(f"{newest}: expected a complete bundle, manifest.sha256 not found")
        package = "service/" if self.target_name == "wheel" else ""
        build_data["force_include"][str(newest)] = f"{package}{MODELS}/{newest.name}"
        if self.target_name != "wheel":
            return
        if find_spec("ziglang") is None:
            self.app.display_warning(
                "No compiler: the wheel has the encoder in Python, which is slower"
            )
            return
        subprocess.run([sys.executable, COMPILER], cwd=self.root, check=True)  # noqa: S603
        build_data["artifacts"].append(ENCODER)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def platform_tag() -> str:
    """Return the tag of wheels for this platform; on Linux for any C library (PEP 600 and 656)."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not platform.startswith("linux_"):
        return platform
    machine = platform.removeprefix("linux_")
    return f"manylinux_2_17_{machine}.musllinux_1_1_{machine}"
