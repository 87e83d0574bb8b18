"""The worker: one classifier, which takes one piece of the input after the other."""

import uuid
from collections import Counter
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from deploy.batch.columns import answer_arrays
from deploy.batch.errors import BatchError
from deploy.batch.hive_partitions import partition_values
from deploy.batch.locations import Place, one_line
from deploy.batch.partitions import Batch, Piece
from deploy.batch.plan import Plan
from deploy.batch.prediction import Question, answer_rows
from deploy.batch.run_manifest import PARTIAL_FOLDER
from service.model import Bundle, build_classifier

ROW_GROUP_BYTES: Final = 16 * 2**20
"""How many bytes of rows are kept before they are written, as one row group."""


class Job(NamedTuple):
    """What all workers need to know.

    Attributes
    ----------
    plan : Plan
        Without its files and pieces.
    input, output : str
        Names of the places.
    question : Question
        What the classifier is asked.
    batch_rows : int
        Rows that are classified together.
    """

    plan: Plan
    input: str
    output: str
    question: Question
    batch_rows: int


class PieceClassifier:
    """Classifies pieces of the input, each into a file of the output.

    Parameters
    ----------
    bundle : Bundle
        The model; it is proven here once more.
    job : Job
        What to do.
    """

    def __init__(self, bundle: Bundle, job: Job) -> None:
        self._classifier = build_classifier(bundle)
        self._job = job
        self._input = Place.find(job.input)
        self._output = Place.find(job.output)
        manifest = bundle.manifest
        self._metadata = {
            "newswire_topics.model.name": manifest.name,
            "newswire_topics.model.version": manifest.version,
        }

    def classify(self, piece: Piece) -> dict[str, int]:
        """Write a piece's file under another name, and rename it when it is whole.

        Returns
        -------
        dict of str to int
            How many ``rows`` it has, and of them ``abstained`` and ``errors``.
        """
        plan = self._job.plan
        schema = plan.output_schema(
            {**self._metadata, "newswire_topics.source": f"{piece.path}:{piece.start}"}
        )
        in_path = partition_values(self._input.path, piece.path)
        partitions = [in_path.get(name) for name in plan.partitions]
        partial = self._output.within(f"{PARTIAL_FOLDER}/{uuid.uuid4().hex}")
        source = Place(self._input.files, piece.path)
        _check_unchanged(source, piece)
        counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
        kept: list[Any] = []
        with (
            partial.files.open_output_stream(partial.path) as stream,
            pq.ParquetWriter(stream, schema, compression="zstd") as writer,
        ):
            for batch in plan.format.read(
                source, piece, plan.input_schema, plan.columns, self._job.batch_rows
            ):
                columns = [
                    *batch.columns,
                    *(
                        pa.repeat(pa.scalar(value, pa.string()), len(batch.rows))
                        for value in partitions
                    ),
                ]
                kept.append(self._answer(Batch(columns, batch.rows), schema, counts))
                if sum(table.nbytes for table in kept) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.concat_tables(kept))
                    kept.clear()
            if kept:
                writer.write_table(pa.concat_tables(kept))
        _check_unchanged(source, piece)
        partial.files.move(partial.path, self._output.within(piece.name).path)
        return dict(counts)

    def _answer(self, batch: Batch, schema: Any, counts: Counter[str]) -> Any:
        answers = answer_rows(self._classifier, batch.rows, self._job.question)
        found = [answer.classification for answer in answers]
        counts["rows"] += len(found)
        counts["abstained"] += sum(bool(item and item.abstained) for item in found)
        counts["errors"] += found.count(None)
        return pa.Table.from_arrays([*batch.columns, *answer_arrays(answers)], schema=schema)

    def attempt(self, piece: Piece) -> dict[str, Any]:
        """Classify a piece; a file that cannot be read or written is a failure of this piece only.

        Returns
        -------
        dict
            As from `classify`, with the piece's ``number``, its ``size`` and perhaps a ``failure``.
        """
        outcome: dict[str, Any] = {"number": piece.number, "size": piece.size, "failure": None}
        try:
            return outcome | self.classify(piece)
        except (BatchError, OSError, pa.ArrowException) as error:
            failure = f"{piece.path}: {one_line(error)}"
            return outcome | {"rows": 0, "abstained": 0, "errors": 0, "failure": failure}


def _check_unchanged(source: Place, piece: Piece) -> None:
    """See that the file is still as it was planned: no part may mix old and new rows."""
    found = [(file.size, file.modified) for file in source.list_files()]
    if found != [(piece.file_size, piece.modified)]:
        raise BatchError(
            "changed during the run; classify it again into another folder, "
            "while nothing writes to the input"
        )
