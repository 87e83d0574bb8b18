"""Numbered bundles in a folder: find, number, next."""

import re
from pathlib import Path
from typing import Final

from service.model.bundle_files import EVALUATION_FOLDER, MANIFEST_FILE, MANIFEST_HASH_FILE
from service.model.errors import BundleError
from service.model.manifest import Manifest

_NUMBER: Final = re.compile(r"[1-9][0-9]*")
"""A bundle's folder; 05 or other scripts' digits would be two names of one number."""


def find_bundle(folder: Path) -> Path:
    """Return the bundle that ``folder`` names: itself, or the highest-numbered one inside.

    A numbered folder without a manifest, or without the manifest's hash, is empty or still being
    copied: it is returned only if there is no other.

    Raises
    ------
    BundleError
        If there is none, or the folder cannot be read.
    """
    bundles = find_bundles(folder)
    return next((path for path in bundles if not missing_files(path)), bundles[0])


def find_bundles(folder: Path) -> list[Path]:
    """Return the bundles that ``folder`` names, the highest number first, whole or not.

    Raises
    ------
    BundleError
        If there is none, or the folder cannot be read.
    """
    try:
        if (folder / MANIFEST_FILE).is_file():
            return [folder]
        if not folder.is_dir():
            raise BundleError(
                f"{folder.resolve()}: expected a model bundle or a folder of them, nothing is there"
            )
        numbered = numbered_bundles(folder)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be looked into: {error.strerror}") from error
    if not numbered:
        raise BundleError(
            f"{folder.resolve()}: expected {MANIFEST_FILE}, or bundles in folders 1, 2, 3, ..."
        )
    return [numbered[number] for number in sorted(numbered, reverse=True)]


def missing_files(path: Path) -> list[str]:
    """Return which of the files are not there yet that are copied last."""
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError:  # to read it will say why
        return []
    return [name for name in (MANIFEST_FILE, MANIFEST_HASH_FILE) if name not in names]


def unexpected_entries(path: Path, manifest: Manifest) -> list[str]:
    """Return the files and folders of a bundle that its manifest does not name, sorted.

    Nothing of them is read or served. A bundle that was moved into another one's folder, instead of
    beside it, is found so.
    """
    files = {*manifest.files, MANIFEST_FILE, MANIFEST_HASH_FILE}
    expected = files | {name.partition("/")[0] for name in files}
    try:
        entries = [*path.iterdir(), *path.glob(f"{EVALUATION_FOLDER}/*")]
    except OSError:  # it is being removed
        return []
    return sorted({str(entry.relative_to(path)) for entry in entries} - expected)


def numbered_bundles(folder: Path) -> dict[int, Path]:
    """Return the bundles in folders 1, 2, 3, ... of a folder, by their number."""
    return {
        int(path.name): path
        for path in folder.iterdir()
        if _NUMBER.fullmatch(path.name) and path.is_dir()
    }


def next_bundle(folder: Path) -> Path:
    """Give the place of the bundle after the highest-numbered one in a folder; neither need be."""
    numbered = numbered_bundles(folder) if folder.is_dir() else {}
    return folder / str(1 + max(numbered, default=0))
