"""Reads the files of a bundle, and believes nothing in them that no hash confirms.

Whoever wrote a bundle may be hostile: what is read is a regular file inside its folder, of a size
that is bounded before it is read, and each file is read once, so what was hashed is what is used.
"""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Final

from service.model.errors import BundleError

MAX_FILE_BYTES: Final = 32_000_000
"""Of a file of a bundle; the largest of those released has 5 MB."""
MAX_BUNDLE_BYTES: Final = 64_000_000
"""Of all of them together."""

EVALUATION_FOLDER: Final = "evaluation"
MANIFEST_FILE: Final = "manifest.json"
MANIFEST_HASH_FILE: Final = "manifest.sha256"
"""The manifest's own hash, in a line that ``sha256sum -c manifest.sha256`` understands."""

_SAFE_PATH: Final = re.compile(r"(?:[\w-]+/)?[\w-][\w.-]*", re.ASCII)


def manifest_hash_line(manifest: bytes) -> bytes:
    """Give what `MANIFEST_HASH_FILE` holds."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST_FILE}\n".encode()


def read_manifest(folder: Path) -> bytes:
    """Read the manifest, if it has the hash that stands beside it.

    Raises
    ------
    BundleError
        If it or its hash is missing or altered.
    """
    content = read_file(folder, MANIFEST_FILE)
    if read_file(folder, MANIFEST_HASH_FILE) != manifest_hash_line(content):
        raise BundleError(
            f"{MANIFEST_FILE}: altered: its SHA-256 is not that of {MANIFEST_HASH_FILE}"
        )
    return content


def read_verified(folder: Path, hashes: Mapping[str, str]) -> dict[str, bytes]:
    """Read every file that the manifest names.

    Parameters
    ----------
    folder : Path
    hashes : mapping of str to str
        SHA-256 in hexadecimal, by the file's path in the bundle.

    Raises
    ------
    BundleError
        If a path leads elsewhere, or a file is missing, too large or altered.
    """
    contents: dict[str, bytes] = {}
    n_bytes = 0
    for name, expected in hashes.items():
        if not _SAFE_PATH.fullmatch(name):
            raise BundleError(f"{MANIFEST_FILE}: files: {name!r} is not a plain path in the bundle")
        contents[name] = read_file(folder, name)
        n_bytes += len(contents[name])
        if n_bytes > MAX_BUNDLE_BYTES:
            raise BundleError(f"expected at most {MAX_BUNDLE_BYTES} bytes in all files together")
        actual = hashlib.sha256(contents[name]).hexdigest()
        if actual != expected:
            raise BundleError(f"{name}: altered: expected SHA-256 {expected}, got {actual}")
    return contents


def read_file(folder: Path, name: str) -> bytes:
    """Read a file of a bundle.

    Raises
    ------
    BundleError
        If it cannot be read, leads out of the folder, is no regular file, or is too large.
    """
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # links that go round; which it is depends on Python
        raise BundleError(f"{name}: cannot be read: its links lead nowhere") from error
    if not inside:
        raise BundleError(f"{name}: expected a file inside the bundle, it leads outside")
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            return _read_bounded(file, name)
    except OSError as error:
        raise BundleError(f"{name}: cannot be read: {error.strerror}") from error


def _read_bounded(file: BufferedReader, name: str) -> bytes:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise BundleError(f"{name}: expected a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise BundleError(f"{name}: expected at most {MAX_FILE_BYTES} bytes, got {status.st_size}")
    return file.read(status.st_size)  # if it has grown meanwhile, its hash is another


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe, too, without waiting for someone to write to it."""
    return os.open(path, flags | os.O_NONBLOCK)
