"""An advisory lock on a folder, released when the process ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def lock_folder(folder: Path, locked: Exception) -> Iterator[None]:
    """Lock an existing folder, or raise ``locked`` if another process holds the lock.

    There is no lock on Windows, nor on network file systems that cannot lock a folder.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if isinstance(error, BlockingIOError):  # else the file system locks no folders
                raise locked from error
        yield
    finally:
        os.close(descriptor)
