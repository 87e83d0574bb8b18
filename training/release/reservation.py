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
    """Create and lock the folder of a bundle; remove it at the end if it is empty.

    Parameters
    ----------
    out : Path or None
        A new or empty folder; None takes the next number in ``candidates``.

    Raises
    ------
    BundleError
        If the folder is not empty or cannot be written.
    DataError
        If another training run has locked it.
    """
    folder = out or _create_numbered(candidates)
    check_writable(folder)
    path = folder.resolve()
    path.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(path):
            try:
                yield folder
            finally:
                with suppress(OSError):  # not empty: it holds a bundle
                    path.rmdir()
    except FolderLockedError as error:
        raise DataError(
            f"{folder}: another training run is writing to it; name another folder with --out"
        ) from error


def _create_numbered(candidates: Path) -> Path:
    """Create the folder of the next number, also when several runs do so at once."""
    while True:
        folder = next_bundle(candidates)
        check_writable(folder)
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
