"""The texts of a data set as labelled rows, to check what is built in or has been split."""

from collections.abc import Iterator

from training.data.dataset import DataError, Dataset, Split
from training.data.labelled_file import LabelledRow


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
    if part.articles is None:
        raise DataError(f"{name}: expected texts, the data set has word ids only: use reuters21578")
    for number, article in enumerate((*part.articles, *part.negatives), 1):
        topics = tuple(code for code in article.topics if code in taught)
        title = article.title or None
        place = (article.file, article.line) if article.file else (name, number)
        yield LabelledRow(article.body, title, topics, None, None, split, None, *place)
