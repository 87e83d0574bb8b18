"""Run the partitions of the input through a pool of workers, by Ray Data.

Ray Data passes descriptions of partitions, not rows: a worker reads its partition and writes its
file. So memory does not depend on the data, and a partition is in the output whole or not at all.
"""

import logging
from collections.abc import Iterator
from typing import Any, Final

from deploy.batch.cluster import connect
from deploy.batch.partitions import Partition
from deploy.batch.worker import Job, PartitionClassifier
from service.rows import CommandError

MAX_BLOCKS: Final = 5_000
"""Blocks of the list of partitions; the driver keeps all of them in memory."""


def run(job: Job, partitions: list[Partition], n_workers: int | None) -> Iterator[dict[str, Any]]:
    """Classify partitions; yield the outcome of each, as of `PartitionClassifier`, as it ends.

    By default there is one worker per processor.
    """
    if not partitions:
        return
    with connect(n_workers) as size:
        import ray.data
        from ray.exceptions import RayError

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        rows = [partition._asdict() for partition in partitions]
        outcomes = ray.data.from_items(rows, override_num_blocks=min(len(rows), MAX_BLOCKS)).map(
            PartitionClassifier,
            compute=ray.data.ActorPoolStrategy(size=min(size, len(rows))),
            fn_constructor_args=(job,),
        )
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        n_ended = 0
        try:
            for outcome in outcomes.iter_rows():
                n_ended += 1
                yield outcome
        except RayError as error:
            lines = str(error).strip().splitlines()
            raise CommandError(f"the workers failed: {lines[-1]}") from error
        if n_ended < len(partitions):
            raise CommandError(f"expected {len(partitions)} outcomes of Ray, got {n_ended}")
