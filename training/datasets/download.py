"""Downloads the Reuters-21578 archive from one of its public places, with a progress bar."""

import os
import shutil
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final

from rich.progress import wrap_file

from training.datasets.reuters21578 import ARCHIVE, SOURCE
from training.errors import DataError

MIRRORS: Final = (
    "http://www.daviddlewis.com/resources/testcollections/reuters21578/reuters21578.tar.gz",
    "https://kdd.ics.uci.edu/databases/reuters21578/reuters21578.tar.gz",
)
"""The author's page and UCI's. What comes is checked file by file, so plain HTTP will do."""

TIMEOUT_SECONDS: Final = 30


def cache_folder() -> Path:
    """Where downloads are kept: ``newswire-topics`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "newswire-topics"


def download_corpus(folder: Path, mirrors: Sequence[str] = MIRRORS) -> Path:
    """Put the archive into ``folder`` unless it is there, and give its path.

    Raises
    ------
    DataError
        If no mirror gives it; the message has each one's reason.
    """
    archive = folder / ARCHIVE
    if archive.exists():
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in mirrors:
        try:
            _download(url, archive)
        except (OSError, HTTPException) as error:
            failures.append(f"{url}: {error}")
        else:
            return archive
    raise DataError(
        f"{SOURCE}: cannot download the archive ({'; '.join(failures)}); "
        f"put {ARCHIVE} into a folder and name it with --data-dir"
    )


def _download(url: str, target: Path) -> None:
    """Write beside the target and rename, so that a download cut short leaves no half archive."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            if response.headers["Content-Length"] is None:
                raise OSError("the answer does not say how long it is")
            expected = int(response.headers["Content-Length"])
            with (
                wrap_file(response, expected, description=f"Downloading {target.name}") as source,
                partial.open("wb") as file,
            ):
                shutil.copyfileobj(source, file)
        if partial.stat().st_size != expected:
            raise OSError(f"expected {expected} bytes, got {partial.stat().st_size}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
