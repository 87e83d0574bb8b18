"""The ``modapte`` source: the split of Reuters-21578 that the literature measures on.

"Modified Apte": C. Apte, F. Damerau and S. Weiss, "Automated learning of decision rules for text
categorization", ACM TOIS 1994, with the 90 topics that have a text on each side. Many texts have
several topics.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from training.data.columns import LabelledRow
from training.data.dataset import Dataset
from training.data.file_dataset import build_dataset
from training.data.reuters21578 import INDEXED, read_articles, read_files
from training.data.reuters_expected import DESCRIPTION, topic_descriptions
from training.data.topic_list import TopicList

NAME: Final = "modapte"
SPLITS: Final = {'LEWISSPLIT="TRAIN"': "train", 'LEWISSPLIT="TEST"': "test"}


def read_modapte(archive: Path, report: Callable[[str], object] = lambda _: None) -> Dataset:
    """Read the texts with their topics and split; raise `DataError` if the archive is damaged.

    A training text that is also a test text is left out, and reported.
    """
    rows = list(_rows(archive))
    train, test = (
        {code for row in rows if row.split == split for code in row.topics}
        for split in SPLITS.values()
    )
    kept = train & test
    return build_dataset(
        (row._replace(topics=tuple(code for code in row.topics if code in kept)) for row in rows),
        TopicList(topic_descriptions()),
        name=NAME,
        description=f"{DESCRIPTION}, ModApte split",
        split_seed=None,
        min_texts=1,
        report=report,
    )


def _rows(archive: Path) -> Iterator[LabelledRow]:
    found = chain.from_iterable(map(read_articles, read_files(archive)))
    for line, (tag, article) in enumerate(found, 1):
        split = next((side for text, side in SPLITS.items() if text in tag), None)
        if split and INDEXED in tag:
            title = article.title or None
            yield LabelledRow(article.body, title, article.topics, str(archive), line, split=split)
