"""Reservation of a bundle's folder before a training run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.model.bundle import check_writable
from service.model.folder_lock import FolderLockedError, lock_folder
from service.model.repository import next_bundle
from training.errors import DataError


@contextmanager
def reserve_folder(out: Path | None, candidates: Path) -> Iterator[Path]:
    """Create and lock the folder of a bundle, absent or empty; remove it at the end if it is empty.

    None takes the next number in ``candidates``. Raises `DataError` if another training run has
    locked the folder.
    """
    if out is None:
        out = _create_numbered(candidates)
    check_writable(out)
    path = out.resolve()
    path.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(path):
            try:
                yield out
            finally:
                with suppress(OSError):  # not empty: it holds a bundle
                    path.rmdir()
    except FolderLockedError as error:
        raise DataError(
            f"{out}: another training run is writing to it; name another folder with --out"
        ) from error


def _create_numbered(candidates: Path) -> Path:
    """Create the folder of the next number, also when several runs do so at once."""
    while True:
        folder = next_bundle(candidates)
        check_writable(folder)
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
