"""A lock on a folder, which ends with the process that holds it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.model.errors import NewswireError

if sys.platform != "win32":
    import fcntl


class FolderLockedError(NewswireError):
    """Another process holds the lock."""


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder that exists; nothing is written to it.

    Notes
    -----
    The lock is advisory. Some network file systems cannot lock a folder: there is none then, nor on
    Windows.

    Raises
    ------
    FolderLockedError
        If another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderLockedError(f"{folder}: another process is writing to it") from error
        except OSError:
            pass  # the file system locks no folders
        yield
    finally:
        os.close(descriptor)
