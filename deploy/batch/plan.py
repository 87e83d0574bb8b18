"""The plan of a run: files, partitions and columns; and its manifest, by which it is resumed."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from deploy.batch import json_lines, parquet
from deploy.batch.locations import Location
from deploy.batch.partitions import PARTITION_BYTES, PARTITION_ROWS, Batch, Partition
from deploy.batch.results import result_fields
from service.model import Manifest
from service.rows import CommandError, PredictionOptions

FORMATS: Final = {
    ".parquet": (parquet.inspect_files, parquet.read_rows),
    ".jsonl": (json_lines.inspect_files, json_lines.read_rows),
    ".jsonl.gz": (json_lines.inspect_files, json_lines.read_rows),
}
"""Functions that inspect and read files, by the suffix of file names."""
MANIFEST_FILE: Final = "_run.json"
PARTIAL_FOLDER: Final = "_partial"
HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"


class Plan(NamedTuple):
    """The plan of a run."""

    data: Location
    files: list[Any]  # a `pyarrow.fs.FileInfo` each
    partitions: list[Partition]
    read_rows: Callable[[Any, Partition, Any, tuple[str, str], int], Iterator[Batch]]
    names: tuple[str, str]  # columns of text and title, of which the input has at least one
    prefix: str  # stands before the name of each column of the results
    input_schema: Any  # columns of the files
    folder_columns: list[str]  # further columns, which folders name as in Hive
    output_schema: Any  # columns of files, of folders and of the results


def make_plan(
    data: Location,
    options: PredictionOptions,
    *,
    text: str | None,
    title: str | None,
    prefix: str,
) -> Plan:
    """Plan a run over a file or a folder; ``text`` and ``title`` name columns.

    Raise CommandError if there are no files or several formats, a column is missing, or two columns
    of the output have the same name.
    """
    kinds = [
        (file, kind)
        for file in data.list_files()
        for ending, kind in FORMATS.items()
        if file.path.endswith(ending)
    ]
    if len({kind for _, kind in kinds}) != 1:
        got = "both" if kinds else "none"
        raise CommandError(f"{data.path}: expected files {' or '.join(FORMATS)}, got {got}")
    files = [file for file, _ in kinds]
    inspect_files, read_rows = kinds[0][1]
    names = text or "text", title or "title"
    schema, spans = inspect_files(data.files, files, names, prefix)
    got = ", ".join(map(repr, schema.names)) or "none"
    for name in (text, title):
        if name and name not in schema.names:
            raise CommandError(f"{data.path}: expected a column {name!r}, got {got}")
    if not {*names} & {*schema.names}:
        expected = " or ".join(f"a column {name!r}" for name in names)
        raise CommandError(f"{data.path}: expected {expected}, got {got}")
    folders = dict.fromkeys(name for file in files for name in folder_values(data.path, file.path))
    folder_columns = [name for name in folders if name not in schema.names]
    fields = [
        *schema,
        *(pa.field(name, pa.string()) for name in folder_columns),
        *(pa.field(prefix + name, kind) for name, kind in result_fields(options).items()),
    ]
    counts = Counter(field.name for field in fields)
    if taken := [name for name, count in counts.items() if count > 1]:
        raise CommandError(
            f"expected no column {', '.join(map(repr, taken))} in the input: "
            "results have that name; give them another one by --prefix"
        )
    pairs = [(file, span) for file, cuts in zip(files, spans, strict=True) for span in cuts]
    partitions = [
        Partition(number, file.path, *span, file.size, file.mtime_ns)
        for number, (file, span) in enumerate(pairs)
    ]
    return Plan(
        data, files, partitions, read_rows, names, prefix, schema, folder_columns, pa.schema(fields)
    )


def folder_values(root: str, path: str) -> dict[str, str | None]:
    """Return the columns that the folders between ``root`` and the file at ``path`` name.

    As in Hive and Spark, ``year=1987/month=03/a.parquet``. Values are text: ``03`` stays ``03``.
    """
    folders = path.removeprefix(root).split("/")[:-1]
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return {unquote(name): None if value == HIVE_NULL else unquote(value) for name, value in pairs}


def make_run_manifest(plan: Plan, manifest: Manifest, options: PredictionOptions) -> dict[str, Any]:
    """Return everything that determines the output, in the types of JSON."""
    text_column, title_column = plan.names
    columns = {"text_column": text_column, "title_column": title_column, "prefix": plan.prefix}
    n_partitions = len(plan.partitions)
    run = {
        "model": {"name": manifest.name, "version": manifest.version, "files": manifest.files},
        "options": {**columns, **options._asdict()},
        "partitions": {"rows": PARTITION_ROWS, "bytes": PARTITION_BYTES, "count": n_partitions},
        "input": {file.path: [file.size, file.mtime_ns] for file in plan.files},
    }
    return dict(json.loads(json.dumps(run)))


def open_or_resume(output: Location, manifest: dict[str, Any]) -> set[str]:
    """Write the manifest to the output folder, or check that it has the same one.

    Return the names of its files, which are complete: a file gets its name when it is. Raise
    CommandError if the folder belongs to another run, or contains something else.
    """
    files, path = output.files, output.within(MANIFEST_FILE).path
    present = [file.path.rsplit("/", 1)[1] for file in output.list_files()]
    try:
        with files.open_input_stream(path) as stream:
            found = json.loads(stream.read())
    except FileNotFoundError as error:
        if present:
            raise CommandError(
                f"{output.path}: expected a new or an empty folder, or that of a run to be "
                f"resumed, got one with {present[0]!r}"
            ) from error
        with files.open_output_stream(f"{path}.partial") as stream:
            stream.write(json.dumps(manifest, indent=1).encode())
        files.move(f"{path}.partial", path)
    else:
        if difference := _difference(found, manifest):
            raise CommandError(
                f"{output.path}: belongs to another run: {difference}; use another folder"
            )
    partial = output.within(PARTIAL_FOLDER).path
    files.create_dir(partial, recursive=True)
    files.delete_dir_contents(partial)
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
