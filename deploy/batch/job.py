"""The job: Ray Data streams the pieces of the input through a pool of workers.

What Ray Data streams is what to do, not the rows: a worker reads its piece and writes its file, so
that memory does not depend on the data, and a piece is in the output whole or not at all.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa

from deploy.batch.cluster import connect
from deploy.batch.errors import BatchError
from deploy.batch.partitions import Piece
from deploy.batch.worker import Job, PieceClassifier
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
"""What Ray Data brings back of a piece."""
MOST_BLOCKS: Final = 5_000
"""Into how many blocks the list of pieces is cut: the driver keeps each in mind."""


def run(
    job: Job, pieces: list[Piece], bundle: Bundle, n_workers: int | None
) -> Iterator[dict[str, Any]]:
    """Classify pieces, and tell of each when it is finished.

    Parameters
    ----------
    job : Job
    pieces : list of Piece
    bundle : Bundle
        It is sent to the workers, who need no copy of it.
    n_workers : int or None
        None is one for each processor.

    Yields
    ------
    dict
        As from `PieceClassifier.attempt`, in the order in which they end.
    """
    if not pieces:
        return
    with connect(n_workers) as size:
        import ray.data
        from ray.exceptions import RayError

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        rows = [asdict(piece) for piece in pieces]
        outcomes = ray.data.from_items(
            rows, override_num_blocks=min(len(rows), MOST_BLOCKS)
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
        if n_ended < len(pieces):
            raise BatchError(f"expected the end of {len(pieces)} pieces, Ray told of {n_ended}")


class RayWorker:
    """A `PieceClassifier` in the form that Ray Data calls, in a process of its own."""

    def __init__(self, bundle: Bundle, job: Job) -> None:
        self._classifier = PieceClassifier(bundle, job)

    def __call__(self, batch: Any) -> Any:
        """Classify the one piece of a batch."""
        (row,) = batch.to_pylist()
        return pa.Table.from_pylist([self._classifier.attempt(Piece(**row))], OUTCOME)
