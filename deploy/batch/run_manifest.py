"""The manifest of a run, in its output: another run must have the same one to resume it.

A partition is finished when its file is in the output: the file is renamed when it is complete.
"""

import json
from typing import Any, Final

from deploy.batch.locations import Location
from deploy.batch.partitions import PARTITION_BYTES, PARTITION_ROWS
from deploy.batch.plan import Plan
from service.model import Manifest
from service.rows import CommandError, PredictionOptions

MANIFEST_FILE: Final = "_run.json"
PARTIAL_FOLDER: Final = "_partial"


def make_run_manifest(plan: Plan, manifest: Manifest, options: PredictionOptions) -> dict[str, Any]:
    """Return everything that determines the output."""
    return {
        "model": {"name": manifest.name, "version": manifest.version, "files": manifest.files},
        "options": {
            "text_column": plan.names[0],
            "title_column": plan.names[1],
            "prefix": plan.prefix,
            **options._asdict(),
        },
        "partitions": {
            "rows": PARTITION_ROWS,
            "bytes": PARTITION_BYTES,
            "count": len(plan.partitions),
        },
        "input": {file.path: [file.size, file.mtime_ns] for file in plan.files},
    }


def open_or_resume(output: Location, manifest: dict[str, Any]) -> set[str]:
    """Make the output folder, or check that it belongs to the same run.

    Return the names of its files, which are complete. Raise CommandError if the folder belongs to
    another run, or contains something else.
    """
    expected = json.loads(json.dumps(manifest))  # the types of JSON, as in the file
    found = output.within(MANIFEST_FILE).read()
    present = [file.path.rsplit("/", 1)[1] for file in output.list_files()]
    if found is None:
        if present:
            raise CommandError(
                f"{output.path}: expected a new or an empty folder, or that of a run to be "
                f"resumed, got one with {present[0]!r}"
            )
        output.within(MANIFEST_FILE).write(json.dumps(expected, indent=1).encode())
    elif difference := _difference(json.loads(found), expected):
        raise CommandError(
            f"{output.path}: belongs to another run: {difference}; use another folder"
        )
    output.within(PARTIAL_FOLDER).remove()
    output.files.create_dir(output.within(PARTIAL_FOLDER).path, recursive=True)
    return set(present)


def _difference(found: Any, expected: Any, path: str = "") -> str | None:
    """Return the first difference of two manifests."""
    if not (isinstance(found, dict) and isinstance(expected, dict)):
        return None if found == expected else f"{path}: expected {found!r}, got {expected!r}"
    for key in [*expected, *(key for key in found if key not in expected)]:
        where = f"{path}.{key}" if path else key
        if key not in expected or key not in found:
            return f"{where} {'is no longer there' if key in found else 'is new'}"
        if difference := _difference(found[key], expected[key], where):
            return difference
    return None
