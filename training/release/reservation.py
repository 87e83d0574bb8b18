"""The place of a bundle, reserved before the work begins."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.model.bundle import check_writable
from service.model.folder_lock import FolderLockedError, lock_folder
from service.model.repository import next_bundle
from training.errors import DataError


@contextmanager
def reserve_place(out: Path | None, candidates: Path) -> Iterator[Path]:
    """Make and lock the folder of a bundle; remove it at the end if nothing was written to it.

    Parameters
    ----------
    out : Path or None
        A new or empty folder; None takes the next number in ``candidates``.
    candidates : Path

    Raises
    ------
    BundleError
        If the folder holds something, or cannot be written.
    DataError
        If another training has reserved it.
    """
    folder = out or _take_number(candidates)
    check_writable(folder)
    place = folder.resolve()
    place.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(place):
            try:
                yield folder
            finally:
                with suppress(OSError):  # it holds a bundle
                    place.rmdir()
    except FolderLockedError as error:
        raise DataError(
            f"{folder}: another training is writing to it; name another folder with --out"
        ) from error


def _take_number(candidates: Path) -> Path:
    """Make the folder of the next number: of two trainings at once, each has its own."""
    while True:
        folder = next_bundle(candidates)
        check_writable(folder)
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
