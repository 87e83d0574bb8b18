"""The rows to check: those of built-in sets and of files, with one label for each topic."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from training.data import load_dataset
from training.data.dataset import DataError, Dataset
from training.data.labelled_file import LabelledRow, read_labelled_files
from training.data.loading import topic_list_of
from training.data.options import DataOptions
from training.data.topic_list import TopicList


class InputRows(NamedTuple):
    """Rows, and a sentence on each bad row and on each file of which rows are replaced."""

    rows: list[LabelledRow]
    bad: list[str]
    replaced: list[str]


def read_input_rows(options: DataOptions) -> InputRows:
    """Read built-in sets, then files.

    Raises `DataError` if they cannot be read, or a label has no code.
    """
    bad: list[str] = []
    replaced: list[str] = []
    sets = (load_dataset(source, options.data_dir) for source in options.built_in)
    rows = [row for dataset in sets for row in rows_of_dataset(dataset)]
    rows += read_labelled_files(options, on_bad_row=bad.append, on_replaced=replaced.append)
    return InputRows(unite_topics(rows, topic_list_of(options)), bad, replaced)


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


def rows_of_dataset(dataset: Dataset) -> Iterator[LabelledRow]:
    """Yield training texts, then test texts, each with those of no topic last.

    File and line are those that a text was read from. Of a built-in text the file is the name of
    the data set with that of the part, and the line the number of the text in it. Topics that the
    data set does not teach are left out. Raises `DataError` if it holds no texts.
    """
    taught = {*dataset.topic_codes}
    for split, part in (("train", dataset.train), ("test", dataset.test)):
        name = f"{dataset.name}/{split}"
        if not part.articles:
            raise DataError(
                f"{name}: expected texts, the data set has word ids only: use reuters21578"
            )
        for number, article in enumerate((*part.articles, *part.negatives), 1):
            topics = tuple(code for code in article.topics if code in taught)
            place = (article.file, article.line) if article.file else (name, number)
            yield LabelledRow(article.body, article.title or None, topics, *place, split=split)
