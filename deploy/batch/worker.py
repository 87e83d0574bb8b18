"""The worker: classifies one partition after the other."""

import uuid
from collections import Counter
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.locations import Location, one_line
from deploy.batch.partitions import Batch, Partition
from deploy.batch.plan import PARTIAL_FOLDER, Plan, folder_values
from deploy.batch.results import result_arrays
from service.model import Bundle, build_classifier
from service.rows import CommandError, PredictionOptions, batched, classify_rows

ROW_GROUP_BYTES: Final = 16 * 2**20  # size at which rows are written as a row group


class Job(NamedTuple):
    """Data that all workers share."""

    bundle: Bundle
    plan: Plan  # without its files and partitions
    output: Location
    options: PredictionOptions
    batch_rows: int  # per prediction


class PartitionClassifier:
    """Classifies partitions of the input, each into a file of the output."""

    def __init__(self, job: Job) -> None:
        self._classifier = build_classifier(job.bundle)
        self._job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Classify a partition, given as a dict; return its size, counts, and failure or None."""
        partition = Partition(**row)
        counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
        failure = None
        try:
            self._classify(partition, counts)
        except (CommandError, OSError, pa.ArrowException) as error:
            counts = Counter(dict.fromkeys(counts, 0))
            failure = f"{partition.path}: {one_line(error)}"
        return {"size": partition.size, **counts, "failure": failure}

    def _classify(self, partition: Partition, counts: Counter[str]) -> None:
        """Write the file of a partition under another name, and rename it when it is complete."""
        plan, output = self._job.plan, self._job.output
        manifest = self._job.bundle.manifest
        schema = plan.output_schema.with_metadata(
            {
                "newswire_topics.model.name": manifest.name,
                "newswire_topics.model.version": manifest.version,
                "newswire_topics.source": f"{partition.path}:{partition.start}",
            }
        )
        folders = folder_values(plan.data.path, partition.path)
        constants = [pa.scalar(folders.get(name), pa.string()) for name in plan.folder_columns]
        partial = output.within(f"{PARTIAL_FOLDER}/{uuid.uuid4().hex}")
        _check_unchanged(plan.data.files, partition)
        batches = plan.read_rows(
            plan.data.files, partition, plan.input_schema, plan.names, self._job.batch_rows
        )
        tables = (self._predict(batch, constants, schema, counts) for batch in batches)
        with (
            partial.files.open_output_stream(partial.path) as stream,
            pq.ParquetWriter(stream, schema, compression="zstd") as writer,
        ):
            for group in batched(tables, lambda table: int(table.nbytes), ROW_GROUP_BYTES):
                writer.write_table(pa.concat_tables(group))
        _check_unchanged(plan.data.files, partition)
        partial.files.move(partial.path, output.within(partition.name).path)

    def _predict(
        self, batch: Batch, constants: list[Any], schema: Any, counts: Counter[str]
    ) -> Any:
        results = classify_rows(self._classifier, batch.rows, self._job.options)
        found = [result for result in results if not isinstance(result, str)]
        counts["rows"] += len(results)
        counts["abstained"] += sum(bool(item.abstained) for item in found)
        counts["errors"] += len(results) - len(found)
        folders = [pa.repeat(value, len(results)) for value in constants]
        arrays = [*batch.columns, *folders, *result_arrays(results, self._job.options)]
        return pa.Table.from_arrays(arrays, schema=schema)


def _check_unchanged(filesystem: Any, partition: Partition) -> None:
    """Check that a file is unchanged since the plan: an output must not mix old and new rows."""
    info = filesystem.get_file_info(partition.path)
    if (info.size, info.mtime_ns) != (partition.file_size, partition.modified):
        raise CommandError(
            "changed during the run; classify it again into another folder, "
            "while nothing writes to the input"
        )
