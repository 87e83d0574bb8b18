"""Download of the Reuters-21578 archive from a public mirror, with a progress bar."""

import os
import shutil
import urllib.request
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.progress import wrap_file

from training.data.dataset import DataError
from training.data.reuters21578 import ARCHIVE, check_corpus

MIRRORS: Final = (
    "http://www.daviddlewis.com/resources/testcollections/reuters21578/reuters21578.tar.gz",
    "https://kdd.ics.uci.edu/databases/reuters21578/reuters21578.tar.gz",
)
"""The author's page and UCI's. Each file is checked by its hash, so plain HTTP is safe."""
TIMEOUT_SECONDS: Final = 30  # of a single read
MAX_ARCHIVE_BYTES: Final = 32 * 2**20  # the archive has 8 MB


def download_corpus(folder: Path | None = None, mirrors: Sequence[str] = MIRRORS) -> Path:
    """Download the archive into a folder or the user's cache, unless it is there; return its path.

    The mirrors are URLs in order of preference; `DataError` is raised if every one fails. A damaged
    archive is replaced in the cache, but not in a user's folder.
    """
    in_cache = folder is None
    folder = folder or cache_folder()
    archive = folder / ARCHIVE
    if archive.exists():
        with suppress(DataError) if in_cache else nullcontext():
            check_corpus(archive)
            return archive
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in mirrors:
        try:
            _download(url, archive)
        except (OSError, HTTPException) as error:
            failures.append(f"{url}: {' '.join(str(error).split())}")
        else:
            return archive
    raise DataError(
        f"reuters21578: cannot download the archive ({'; '.join(failures)}); "
        f"put {ARCHIVE} into a folder and name it with --data-dir"
    )


def cache_folder() -> Path:
    """Return the folder for downloads."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "newswire-topics"


def _download(url: str, target: Path) -> None:
    """Write beside the target, check, and rename, so that a partial download is not kept."""
    with (
        TemporaryDirectory(dir=target.parent) as folder,
        urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310
    ):
        n_bytes, header = response.length, response.headers["Content-Length"]
        if n_bytes is None or n_bytes > MAX_ARCHIVE_BYTES:
            expected = f"a Content-Length of up to {MAX_ARCHIVE_BYTES:,} bytes"
            raise OSError(f"expected {expected}, got {(header or '')[:40]!r}")
        partial = Path(folder) / target.name
        with (
            wrap_file(response, n_bytes, description=f"Downloading {target.name}") as source,
            partial.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
        if partial.stat().st_size != n_bytes:
            raise OSError(f"expected {n_bytes} bytes, got {partial.stat().st_size}")
        try:
            check_corpus(partial)
        except DataError as error:
            raise OSError("the download is not the Reuters-21578 archive") from error
        partial.replace(target)
