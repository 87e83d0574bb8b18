"""A location of data: a path or a URL that `pyarrow.fs` supports."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from pyarrow import ArrowException, fs

from service.model.folder_lock import lock_folder
from service.rows import CommandError


class Location(NamedTuple):
    """A file or folder on a `pyarrow.fs.FileSystem`: local, S3, GCS, ..."""

    files: Any
    path: str

    @classmethod
    def resolve(cls, name: str) -> Self:
        """Return the location of a path or a URL such as ``s3://bucket/folder``."""
        uri = name if "://" in name else str(Path(name).resolve())
        try:
            files, path = fs.FileSystem.from_uri(uri)
        except (ArrowException, OSError, ValueError) as error:
            raise CommandError(f"{name}: expected a path or URL, got: {one_line(error)}") from error
        return cls(files, path.rstrip("/") or "/")

    def within(self, name: str) -> "Location":
        """Return a location in this folder."""
        return Location(self.files, f"{self.path.rstrip('/')}/{name}")

    def contains(self, other: "Location") -> bool:
        """Return whether the other location is this one or inside it."""
        same = bool(self.files.equals(other.files))
        return same and f"{other.path}/".startswith(f"{self.path.rstrip('/')}/")

    def list_files(self) -> list[Any]:
        """Return a `pyarrow.fs.FileInfo` of the file, or of each inside the folder, by path."""
        found = [self.files.get_file_info(self.path)]
        if found[0].type == fs.FileType.Directory:
            found = self.files.get_file_info(fs.FileSelector(self.path, recursive=True))
        # names that begin with _ or . are left out, as in Spark and Hive
        inside = len(self.path.rstrip("/")) + 1
        files = [
            each
            for each in found
            if each.type == fs.FileType.File
            and not any(part[:1] in {"_", "."} for part in each.path[inside:].split("/"))
        ]
        return sorted(files, key=lambda file: file.path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the folder, and lock it until this process ends, or raise CommandError."""
        self.files.create_dir(self.path, recursive=True)
        if not isinstance(self.files, fs.LocalFileSystem):  # object stores have no locks
            yield
            return
        advice = "wait for it, or use another folder"
        locked = CommandError(f"{self.path}: another run is writing to it; {advice}")
        with lock_folder(Path(self.path), locked):
            yield


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line."""
    return " ".join(str(error).split()) or type(error).__name__
