"""Run the partitions of the input through a pool of workers, by Ray Data.

Ray Data passes descriptions of partitions, not rows: a worker reads its partition and writes its
file. So memory does not depend on the data, and a partition is in the output whole or not at all.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa

from deploy.batch.cluster import connect
from deploy.batch.errors import BatchError
from deploy.batch.partitions import Partition
from deploy.batch.worker import Job, PartitionClassifier
from service.model import Bundle

OUTCOME: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("size", pa.int64()),
        ("rows", pa.int64()),
        ("abstained", pa.int64()),
        ("errors", pa.int64()),
        ("failure", pa.string()),
    ]
)
MAX_BLOCKS: Final = 5_000
"""Blocks of the list of partitions; the driver keeps all of them in memory."""


def run(
    job: Job, partitions: list[Partition], bundle: Bundle, n_workers: int | None
) -> Iterator[dict[str, Any]]:
    """Classify partitions; yield the outcome of each, as of `PartitionClassifier.run`, as it ends.

    The bundle is sent to the workers; by default there is one per processor.
    """
    if not partitions:
        return
    with connect(n_workers) as size:
        import ray.data
        from ray.exceptions import RayError

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        rows = [asdict(partition) for partition in partitions]
        outcomes = ray.data.from_items(
            rows, override_num_blocks=min(len(rows), MAX_BLOCKS)
        ).map_batches(
            RayWorker,
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(size, len(rows))),
            fn_constructor_args=(bundle, job),
        )
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        n_ended = 0
        try:
            for outcome in outcomes.iter_rows():
                n_ended += 1
                yield outcome
        except RayError as error:
            lines = str(error).strip().splitlines()
            raise BatchError(f"the workers failed: {lines[-1]}") from error
        if n_ended < len(partitions):
            raise BatchError(f"expected {len(partitions)} outcomes of Ray, got {n_ended}")


class RayWorker:
    """A `PartitionClassifier` as Ray Data calls it, in a process of its own."""

    def __init__(self, bundle: Bundle, job: Job) -> None:
        self._classifier = PartitionClassifier(bundle, job)

    def __call__(self, batch: Any) -> Any:
        """Classify the one partition of a batch."""
        (row,) = batch.to_pylist()
        return pa.Table.from_pylist([self._classifier.run(Partition(**row))], OUTCOME)
