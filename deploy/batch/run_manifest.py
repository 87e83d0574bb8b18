"""The record of a run in its output: what a later run must equal to continue it.

A piece of the input is finished when its file is in the output, to which it was renamed whole.
"""

import json
import re
from typing import Any, Final

from deploy.batch.errors import BatchError
from deploy.batch.locations import Place
from deploy.batch.partitions import PIECE_BYTES, PIECE_ROWS
from deploy.batch.plan import Plan
from service.model import Manifest

RECORD_FILE: Final = "_run.json"
PARTIAL_FOLDER: Final = "_partial"
_PART: Final = re.compile(r"part-\d{6,}\.parquet")


def make_record(plan: Plan, manifest: Manifest, options: dict[str, Any]) -> dict[str, Any]:
    """Give what decides on the content of the output."""
    return {
        "model": {"name": manifest.name, "version": manifest.version, "files": manifest.files},
        "options": options,
        "pieces": {"rows": PIECE_ROWS, "bytes": PIECE_BYTES, "count": len(plan.pieces)},
        "input": {file.path: [file.size, file.modified] for file in plan.files},
    }


def begin_or_continue(output: Place, record: dict[str, Any]) -> set[str]:
    """Make the output, or see that it is that of the same run.

    Returns
    -------
    set of str
        Names of the files that are finished.

    Raises
    ------
    BatchError
        If it belongs to another run, or holds something else.
    """
    # by way of JSON, so that both are of the same types
    wanted = json.loads(json.dumps(record))
    found = output.within(RECORD_FILE).read()
    present = [file.path.rsplit("/", 1)[1] for file in output.list_files()]
    if found is None:
        if present:
            raise BatchError(
                f"{output.path}: expected a new or an empty folder, or that of a run to be "
                f"continued, got one with {present[0]!r}"
            )
        output.files.create_dir(output.path, recursive=True)
        output.within(RECORD_FILE).write_whole(json.dumps(wanted, indent=1).encode())
    elif difference := _difference(json.loads(found), wanted):
        raise BatchError(f"{output.path}: belongs to another run: {difference}; use another folder")
    clear_partial(output)
    output.files.create_dir(output.within(PARTIAL_FOLDER).path, recursive=True)
    return {name for name in present if _PART.fullmatch(name)}


def clear_partial(output: Place) -> None:
    """Remove what was begun and not finished."""
    partial = output.within(PARTIAL_FOLDER)
    if partial.exists():
        partial.files.delete_dir(partial.path)


def _difference(found: Any, wanted: Any, path: str = "") -> str | None:
    """Name the first thing in which two records differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(key for key in found if key not in wanted)]:
            where = f"{path}.{key}" if path else key
            if key not in wanted or key not in found:
                state = "is no longer there" if key in found else "is new"
                return f"{where} {state}"
            if difference := _difference(found[key], wanted[key], where):
                return difference
        return None
    return None if found == wanted else f"{path}: expected {found!r}, got {wanted!r}"
