"""Build hook of hatchling: of the released bundles, the newest is in the wheel and in the sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODELS = "models/reuters"


class NewestBundle(BuildHookInterface):
    """Adds the bundle of the highest number, as package data of ``service`` in a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle, except to an editable install, which finds those of the checkout."""
        if version == "editable":
            return
        folders = Path(self.root, MODELS).iterdir()
        newest = max((path for path in folders if path.name.isdecimal()), key=lambda p: int(p.name))
        if not (newest / "manifest.sha256").is_file():
            self.app.abort(f"{newest}: expected a complete bundle, manifest.sha256 not found")
        package = "service/" if self.target_name == "wheel" else ""
        build_data["force_include"][str(newest)] = f"{package}{MODELS}/{newest.name}"
