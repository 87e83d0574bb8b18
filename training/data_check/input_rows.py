"""The rows to check: those of built-in sets and of files, with one label for each topic."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data import Source, load_dataset
from training.data.dataset import Dataset
from training.data.labelled_file import LabelledRow, read_labelled_files
from training.data.loading import topic_list_of
from training.data.topic_list import TopicList
from training.data_check.dataset_rows import rows_of_dataset


@dataclass(slots=True)
class InputRows:
    """Rows, and a sentence on each bad row and on each file of which rows are replaced."""

    rows: list[LabelledRow] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


def read_input_rows(
    files: Sequence[Path],
    test: Path | None,
    topics: Path | None,
    *,
    columns: Mapping[str, str],
    max_bad_rows: float,
    data_dir: Path | None,
) -> InputRows:
    """Read built-in sets, then files. With a test file its rows are to test on, others to train on.

    Raises `DataError` if they cannot be read, or a label has no code.
    """
    found = InputRows()
    built_in: Dataset | None = None
    for source in Source:
        if source in map(str, files):
            built_in = load_dataset(source, data_dir)
            found.rows += rows_of_dataset(built_in)
    rows = read_labelled_files(
        [path for path in files if str(path) not in [*Source]],
        test=test,
        columns=columns,
        max_bad_rows=max_bad_rows,
        on_bad_row=found.bad.append,
        on_replaced=found.replaced.append,
    )
    if test:
        rows = (
            row._replace(split="test" if row.file == str(test) else row.split or "train")
            for row in rows
        )
    found.rows = unite_topics([*found.rows, *rows], topic_list_of(built_in, topics))
    return found


def unite_topics(rows: Iterable[LabelledRow], topics: TopicList) -> list[LabelledRow]:
    """Return rows in which each topic has one label: the first one that stands for its code."""
    labels: dict[str, str] = {}  # by code
    united = []
    for row in rows:
        codes = topics.codes_of(row)
        for label in row.topics:
            labels.setdefault(topics.code_of(label), label)
        united.append(row._replace(topics=tuple(labels[code] for code in codes)))
    return united
