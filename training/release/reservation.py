"""Reservation of a bundle's folder before a training run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.model.bundle import check_writable
from service.model.folder_lock import lock_folder
from service.model.repository import next_bundle
from training.data.dataset import DataError


@contextmanager
def reserve_folder(out: Path | None, candidates: Path) -> Iterator[Path]:
    """Create and lock the folder of a bundle, absent or empty; remove it at the end if it is empty.

    None takes the next number in ``candidates``. Raises `DataError` if the folder is locked.
    """
    while out is None:  # several runs may create a folder at once
        folder = next_bundle(candidates)
        check_writable(folder)
        with suppress(FileExistsError):
            folder.mkdir()
            out = folder
    check_writable(out)
    path = out.resolve()
    path.mkdir(parents=True, exist_ok=True)
    advice = "name another folder with --out"
    with lock_folder(path, DataError(f"{out}: another training run is writing to it; {advice}")):
        try:
            yield out
        finally:
            with suppress(OSError):  # not empty: it holds a bundle
                path.rmdir()
