"""Load the built-in sets and files that the options name: a data set to learn, rows to check."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from training.data import load_dataset
from training.data.columns import LabelledRow
from training.data.dataset import DataError, Dataset
from training.data.file_dataset import build_dataset
from training.data.labelled_file import read_labelled_files
from training.data.options import DataOptions, check_name, check_options
from training.data.reuters_expected import topic_descriptions
from training.data.topic_list import TopicList, read_descriptions

MAX_NAMED: Final = 3  # files in the description of a data set
MAX_REPORTED: Final = 10  # bad rows


class InputRows(NamedTuple):
    """Rows to check, and a sentence on each bad row and on each file with replaced rows."""

    rows: list[LabelledRow]
    bad: list[str]
    replaced: list[str]


def load_data(options: DataOptions, report: Callable[[str], object] = lambda _: None) -> Dataset:
    """Read a data set and split it; report rows that are left out. Raises `DataError`."""
    check_options(options)
    sets = [
        load_dataset(source, options.data_dir, split_seed=options.split_seed, report=report)
        for source in options.built_in  # at most one
    ]
    built_in = sets[0] if sets else None
    if built_in and not (options.files or options.test):
        return replace(built_in, name=options.name or built_in.name)
    name = options.name or (built_in.name if built_in else name_of(options.files[0]))
    check_name(name)
    return build_dataset(
        _read(options, report),
        topic_list_of(options),
        name=name,
        description=_describe(options, built_in),
        built_in=built_in,
        split_seed=options.split_seed,
        drop_rare=options.drop_rare,
        report=report,
    )


def read_input_rows(options: DataOptions) -> InputRows:
    """Read built-in sets, then files; raise `DataError` if that fails or a label has no code."""
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
    """Yield training rows, then test rows, in each part those of no topic last.

    File and line are those that a text was read from. For a built-in text they are the names of
    data set and part, and the number of the text in the part. Topics that the data set does not
    teach are left out. Raises `DataError` if it holds no texts.
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


def topic_list_of(options: DataOptions) -> TopicList:
    """Return the topics of Reuters if a built-in set is learnt, and those of the user's file."""
    built_in = topic_descriptions() if options.built_in else {}
    return TopicList(built_in | (read_descriptions(options.topics) if options.topics else {}))


def name_of(path: Path) -> str:
    """Return the name of a file without its suffixes, such as ``desk`` of ``desk.jsonl.gz``."""
    return path.name.partition(".")[0] or path.name


def _read(options: DataOptions, report: Callable[[str], object]) -> Iterator[LabelledRow]:
    bad: list[str] = []  # reported once all files are read: too many bad rows are an error
    yield from read_labelled_files(options, on_bad_row=bad.append, on_replaced=report)
    for error in bad[:MAX_REPORTED]:
        report(f"Left out a bad row: {error}")
    if len(bad) > MAX_REPORTED:
        report(f"Left out {len(bad) - MAX_REPORTED:,} more bad rows")


def _describe(options: DataOptions, built_in: Dataset | None) -> str:
    names = [path.name for path in options.files]
    more = f" and {len(names) - MAX_NAMED} more files" if len(names) > MAX_NAMED else ""
    texts = f"texts of {', '.join(names[:MAX_NAMED])}{more}" if names else ""
    return ", and ".join(filter(None, [built_in.description if built_in else "", texts]))
