"""The worker: classifies one partition after the other."""

import uuid
from collections import Counter
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.columns import result_arrays
from deploy.batch.errors import BatchError
from deploy.batch.hive_partitions import folder_values
from deploy.batch.locations import Location, one_line
from deploy.batch.partitions import Batch, Partition
from deploy.batch.plan import Plan
from deploy.batch.run_manifest import PARTIAL_FOLDER
from service.model import Bundle, build_classifier
from service.rows import PredictionOptions, classify_rows

ROW_GROUP_BYTES: Final = 16 * 2**20
"""Size at which rows are written as a row group."""


class Job(NamedTuple):
    """What all workers have in common.

    Attributes
    ----------
    plan : Plan
        Without its files and partitions.
    input, output : str
        Names of the locations.
    options : PredictionOptions
    batch_rows : int
        Rows per prediction.
    """

    plan: Plan
    input: str
    output: str
    options: PredictionOptions
    batch_rows: int


class PartitionClassifier:
    """Classifies partitions of the input, each into a file of the output.

    The constructor builds and verifies the model.
    """

    def __init__(self, bundle: Bundle, job: Job) -> None:
        self._classifier = build_classifier(bundle)
        self._job = job
        self._input = Location.resolve(job.input)
        self._output = Location.resolve(job.output)
        self._metadata = {
            "newswire_topics.model.name": bundle.manifest.name,
            "newswire_topics.model.version": bundle.manifest.version,
        }

    def run(self, partition: Partition) -> dict[str, Any]:
        """Classify a partition; if its file cannot be read or written, only this one fails.

        Returns
        -------
        dict
            ``number`` and ``size`` of the partition, counts of ``rows``, ``abstained`` and
            ``errors``, and a ``failure`` or None.
        """
        outcome: dict[str, Any] = {
            "number": partition.number,
            "size": partition.size,
            "failure": None,
        }
        try:
            return outcome | self._classify(partition)
        except (BatchError, OSError, pa.ArrowException) as error:
            failure = f"{partition.path}: {one_line(error)}"
            return outcome | {"rows": 0, "abstained": 0, "errors": 0, "failure": failure}

    def _classify(self, partition: Partition) -> dict[str, int]:
        """Write the file of a partition under another name, and rename it when it is complete."""
        plan = self._job.plan
        schema = plan.output_schema(
            {**self._metadata, "newswire_topics.source": f"{partition.path}:{partition.start}"}
        )
        folders = folder_values(self._input.path, partition.path)
        constants = [pa.scalar(folders.get(name), pa.string()) for name in plan.folder_columns]
        partial = self._output.within(f"{PARTIAL_FOLDER}/{uuid.uuid4().hex}")
        file = self._input.at(partition.path)
        _check_unchanged(file, partition)
        counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
        kept: list[Any] = []
        with (
            partial.files.open_output_stream(partial.path) as stream,
            pq.ParquetWriter(stream, schema, compression="zstd") as writer,
        ):
            for batch in plan.format.read(
                file, partition, plan.input_schema, plan.columns, self._job.batch_rows
            ):
                kept.append(self._predict(batch, constants, schema, counts))
                if sum(table.nbytes for table in kept) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.concat_tables(kept))
                    kept.clear()
            if kept:
                writer.write_table(pa.concat_tables(kept))
        _check_unchanged(file, partition)
        partial.files.move(partial.path, self._output.within(partition.name).path)
        return dict(counts)

    def _predict(
        self, batch: Batch, constants: list[Any], schema: Any, counts: Counter[str]
    ) -> Any:
        results = classify_rows(self._classifier, batch.rows, self._job.options)
        found = [result for result in results if not isinstance(result, str)]
        counts["rows"] += len(results)
        counts["abstained"] += sum(bool(item.abstained) for item in found)
        counts["errors"] += len(results) - len(found)
        folders = [pa.repeat(value, len(results)) for value in constants]
        arrays = [*batch.columns, *folders, *result_arrays(results)]
        return pa.Table.from_arrays(arrays, schema=schema)


def _check_unchanged(file: Location, partition: Partition) -> None:
    """Check that a file is as it was planned: an output must not mix old and new rows."""
    found = [(stored.size, stored.modified) for stored in file.list_files()]
    if found != [(partition.file_size, partition.modified)]:
        raise BatchError(
            "changed during the run; classify it again into another folder, "
            "while nothing writes to the input"
        )
