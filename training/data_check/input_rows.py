"""The rows to check: those of built-in sets and of files, with one label for each topic."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from training.data import Source, load_dataset
from training.data.dataset import DataError, Dataset, Split
from training.data.labelled_file import LabelledRow, read_labelled_files
from training.data.loading import topic_list_of
from training.data.options import DataOptions
from training.data.topic_list import TopicList


@dataclass(slots=True)
class InputRows:
    """Rows, and a sentence on each bad row and on each file of which rows are replaced."""

    rows: list[LabelledRow] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


def read_input_rows(options: DataOptions) -> InputRows:
    """Read built-in sets, then files. With a test file its rows are to test on, others to train on.

    Raises `DataError` if they cannot be read, or a label has no code.
    """
    found = InputRows()
    built_in: Dataset | None = None
    for source in Source:
        if source in options.data:
            built_in = load_dataset(source, options.data_dir)
            found.rows += rows_of_dataset(built_in)
    rows = read_labelled_files(
        options.files,
        test=options.test,
        columns=options.columns,
        max_bad_rows=options.max_bad_rows,
        on_bad_row=found.bad.append,
        on_replaced=found.replaced.append,
    )
    if options.test:
        test = str(options.test)
        rows = (
            row._replace(split="test" if row.file == test else row.split or "train") for row in rows
        )
    found.rows = unite_topics([*found.rows, *rows], topic_list_of(built_in, options.topics))
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


def rows_of_dataset(dataset: Dataset) -> Iterator[LabelledRow]:
    """Yield training texts, then test texts, each with those of no topic last.

    File and line are those that a text was read from. Of a built-in text the file is the name of
    the data set with that of the part, and the line the number of the text in it. Topics that the
    data set does not teach are left out. Raises `DataError` if it holds no texts.
    """
    taught = {*dataset.topic_codes}
    for split, part in (("train", dataset.train), ("test", dataset.test)):
        yield from _rows_of_part(part, f"{dataset.name}/{split}", split, taught)


def _rows_of_part(part: Split, name: str, split: str, taught: set[str]) -> Iterator[LabelledRow]:
    if not part.articles:
        raise DataError(f"{name}: expected texts, the data set has word ids only: use reuters21578")
    for number, article in enumerate((*part.articles, *part.negatives), 1):
        topics = tuple(code for code in article.topics if code in taught)
        title = article.title or None
        place = (article.file, article.line) if article.file else (name, number)
        yield LabelledRow(article.body, title, topics, *place, split=split)
