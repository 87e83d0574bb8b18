"""Files that a command writes: checked before anything is read, written whole or not at all."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from service.rows import find_repeated_file
from training.data.dataset import DataError


def check_outputs(outputs: Sequence[Path], inputs: Sequence[Path] = ()) -> None:
    """Raise `DataError` for files that cannot be written, or would replace an input."""
    for number, path in enumerate(outputs):
        if not path.parent.is_dir() or (path.exists() and not path.is_file()):
            raise DataError(f"{path}: expected the name of a file in a folder that exists")
        if find_repeated_file([*inputs, *outputs[:number], path]) == path:
            raise DataError(f"{path}: expected another name than that of each other file")
        try:
            TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise _not_written(path, error) from error


def write_files(contents: Mapping[Path, Iterable[str]]) -> None:
    """Write all files beside their places, and rename them once all are complete."""
    partials = {path: path.with_name(f".{uuid.uuid4().hex}.partial") for path in contents}
    try:
        for path, lines in contents.items():
            with partials[path].open("w", encoding="utf-8") as file:
                file.writelines(lines)
        for path, partial in partials.items():
            partial.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be written: {error.strerror}; name another place")
