"""Bounded, hashed reads of a bundle's files.

A bundle is untrusted: only regular files inside its folder are read, up to a size limit, and each
once, so that the content that was hashed is the content that is used.
"""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from service.model.errors import BundleError

MAX_FILE_BYTES: Final = 32_000_000  # limit of a file; the largest released one has 5 MB
MAX_BUNDLE_BYTES: Final = 64_000_000  # limit of all files of a bundle together

EVALUATION_FOLDER: Final = "evaluation"
MANIFEST_FILE: Final = "manifest.json"
MANIFEST_HASH_FILE: Final = "manifest.sha256"
"""The manifest's hash, as ``sha256sum -c manifest.sha256`` reads it."""

_SAFE_PATH: Final = re.compile(r"(?:[\w-]+/)?[\w-][\w.-]*", re.ASCII)


def manifest_hash_line(manifest: bytes) -> bytes:
    """Return the content of `MANIFEST_HASH_FILE`."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST_FILE}\n".encode()


def check_sizes(contents: Mapping[str, bytes]) -> None:
    """Raise BundleError if one file, or all together, would be too large to be read."""
    for name, content in contents.items():
        _check_size(name, len(content))
    _check_total(sum(map(len, contents.values())))


def _check_size(name: str, n_bytes: int) -> None:
    if n_bytes > MAX_FILE_BYTES:
        raise BundleError(f"{name}: expected at most {MAX_FILE_BYTES} bytes, got {n_bytes}")


def _check_total(n_bytes: int) -> None:
    if n_bytes > MAX_BUNDLE_BYTES:
        raise BundleError(f"expected at most {MAX_BUNDLE_BYTES} bytes in all files together")


def read_verified(folder: Path, hashes: Mapping[str, str]) -> dict[str, bytes]:
    """Return the content of each file by its path; ``hashes`` has the SHA-256 of each.

    Raises BundleError if a path leads out of the bundle or a file is missing, too large or altered.
    """
    contents: dict[str, bytes] = {}
    n_bytes = 0
    for name, expected in hashes.items():
        if not _SAFE_PATH.fullmatch(name):
            raise BundleError(f"{MANIFEST_FILE}: files: {name!r} is not a plain path in the bundle")
        contents[name] = read_file(folder, name)
        n_bytes += len(contents[name])
        _check_total(n_bytes)
        actual = hashlib.sha256(contents[name]).hexdigest()
        if actual != expected:
            raise BundleError(f"{name}: altered: expected SHA-256 {expected}, got {actual}")
    return contents


def read_file(folder: Path, name: str) -> bytes:
    """Return the content of a regular file inside ``folder``, or raise BundleError."""
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a cycle of links: RuntimeError in Python 3.11
        raise BundleError(f"{name}: cannot be read: it is a cycle of links") from error
    if not inside:
        raise BundleError(f"{name}: expected a file inside the bundle, it links outside")
    try:
        with open(path, "rb", opener=_open_nonblocking) as file:
            status = os.fstat(file.fileno())
            size = status.st_size
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{name}: expected a regular file")
            _check_size(name, size)
            return file.read(size)  # if it grew meanwhile, its hash differs
    except OSError as error:
        raise BundleError(f"{name}: cannot be read: {error.strerror}") from error


def _open_nonblocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # does not wait for the writer of a pipe
