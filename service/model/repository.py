"""Finds and numbers the bundles in a folder."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from service.model.bundle_files import EVALUATION_FOLDER, MANIFEST_FILE, MANIFEST_HASH_FILE
from service.model.errors import BundleError
from service.model.manifest import Manifest

_NUMBER: Final = re.compile(r"[1-9][0-9]*")
"""Canonical ASCII numbers: 05 would be a second name for 5."""
MODELS: Final = Path("models/reuters")


def default_model_dir() -> Path:
    """Return the default folder of bundles: the first of these that exists.

    ``models/reuters`` of the working folder, the package data of an installed wheel (the newest
    released bundle), or ``models/reuters`` of the checkout with this code.
    """
    package = Path(str(files("service")))
    places = MODELS, package / MODELS, package.parent / MODELS
    return next((place for place in places if _exists(place)), MODELS)


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # reading it reports the error
        return True


def find_bundle(folder: Path) -> Path:
    """Return ``folder`` if it is a bundle, else the highest-numbered complete bundle in it.

    If none is complete, returns the highest; raises BundleError as `find_bundles`.
    """
    bundles = find_bundles(folder)
    return next((path for path in bundles if not missing_files(path)), bundles[0])


def find_bundles(folder: Path) -> list[Path]:
    """Return ``folder`` if it is a bundle, else all bundles in it, the highest number first.

    Raises BundleError if there is none, or the folder cannot be read.
    """
    try:
        if (folder / MANIFEST_FILE).is_file():
            return [folder]
        if not folder.is_dir():
            found = "got a file" if folder.exists() else "not found"
            raise BundleError(
                f"{folder.resolve()}: expected a model bundle or a folder of them, {found}"
            )
        numbered = numbered_bundles(folder)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be read: {error.strerror}") from error
    if not numbered:
        raise BundleError(
            f"{folder.resolve()}: expected {MANIFEST_FILE}, or bundles in folders 1, 2, 3, ..."
        )
    return [numbered[number] for number in sorted(numbered, reverse=True)]


def missing_files(path: Path) -> list[str]:
    """Return which of the manifest files, which are copied last, are missing."""
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError:  # reading it reports the error
        return []
    return [name for name in (MANIFEST_FILE, MANIFEST_HASH_FILE) if name not in names]


def unexpected_entries(path: Path, manifest: Manifest) -> list[str]:
    """Return the sorted entries of a bundle's folder that do not belong to the bundle."""
    files = {*manifest.files, MANIFEST_FILE, MANIFEST_HASH_FILE}
    expected = files | {name.partition("/")[0] for name in files}
    try:
        entries = [*path.iterdir(), *path.glob(f"{EVALUATION_FOLDER}/*")]
    except OSError:  # it is being removed
        return []
    return sorted({str(entry.relative_to(path)) for entry in entries} - expected)


def numbered_bundles(folder: Path) -> dict[int, Path]:
    """Return the folders 1, 2, 3, ... by number."""
    return {
        int(path.name): path
        for path in folder.iterdir()
        if _NUMBER.fullmatch(path.name) and path.is_dir()
    }


def next_bundle(folder: Path) -> Path:
    """Return the path of the next number; ``folder`` may be absent."""
    numbered = numbered_bundles(folder) if folder.is_dir() else {}
    return folder / str(1 + max(numbered, default=0))
