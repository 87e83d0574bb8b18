"""Where data lies: a path or a URL that `pyarrow.fs` understands, and the files in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pyarrow import ArrowException, fs

from deploy.batch.errors import BatchError
from service.model.folder_lock import FolderLockedError, lock_folder


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the input as it was found.

    Attributes
    ----------
    path : str
        As its file system names it.
    size : int
        In bytes.
    modified : int
        Nanoseconds since 1970, or 0 where the file system does not say.
    """

    path: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder on some file system.

    Attributes
    ----------
    files : pyarrow.fs.FileSystem
        Local, S3, GCS, ...
    path : str
        As ``files`` names it.
    """

    files: Any
    path: str

    @classmethod
    def find(cls, name: str) -> Self:
        """Resolve a path or a URL such as ``s3://bucket/folder``.

        Raises
        ------
        BatchError
            If pyarrow knows no such kind of URL.
        """
        uri = name if "://" in name else str(Path(name).resolve())
        try:
            files, path = fs.FileSystem.from_uri(uri)
        except (ArrowException, OSError, ValueError) as error:
            raise BatchError(f"{name}: expected a path or URL, got: {one_line(error)}") from error
        return cls(files, path.rstrip("/") or "/")

    def within(self, name: str) -> "Place":
        """Give the place of this name in this folder."""
        return Place(self.files, f"{self.path.rstrip('/')}/{name}")

    def contains(self, other: "Place") -> bool:
        """Say whether the other is this place or lies inside it."""
        same = bool(self.files.equals(other.files))
        return same and f"{other.path}/".startswith(f"{self.path.rstrip('/')}/")

    def exists(self) -> bool:
        """Say whether a file or folder is there."""
        return bool(self.files.get_file_info(self.path).type != fs.FileType.NotFound)

    def list_files(self) -> list[StoredFile]:
        """Give the file, or every file inside the folder, by path.

        What begins with ``_`` or ``.`` is no data, as in Spark and Hive.
        """
        info = self.files.get_file_info(self.path)
        if info.type == fs.FileType.File:
            return [_stored(info)]
        if info.type == fs.FileType.NotFound:
            return []
        found = self.files.get_file_info(fs.FileSelector(self.path, recursive=True))
        inside = len(self.path.rstrip("/")) + 1
        return sorted(
            (
                _stored(info)
                for info in found
                if info.type == fs.FileType.File
                and not any(part[0] in "_." for part in info.path[inside:].split("/"))
            ),
            key=lambda file: file.path,
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the folder, and keep other runs out of it until this process ends.

        Only a folder of this machine can be locked: object stores have no locks.

        Raises
        ------
        BatchError
            If another run holds it.
        """
        self.files.create_dir(self.path, recursive=True)
        if not isinstance(self.files, fs.LocalFileSystem):
            yield
            return
        try:
            with lock_folder(Path(self.path)):
                yield
        except FolderLockedError as error:
            raise BatchError(
                f"{self.path}: another run is writing to it; wait for it, or use another folder"
            ) from error

    def read(self) -> bytes | None:
        """Give the content of the file, None if there is none."""
        try:
            with self.files.open_input_stream(self.path) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def write_whole(self, content: bytes) -> None:
        """Write the file beside its place and rename it into place."""
        partial = Place(self.files, f"{self.path}.partial")
        with partial.files.open_output_stream(partial.path) as stream:
            stream.write(content)
        self.files.move(partial.path, self.path)


def _stored(info: Any) -> StoredFile:
    return StoredFile(info.path, info.size, info.mtime_ns or 0)


def one_line(error: BaseException) -> str:
    """Give an error's text without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
