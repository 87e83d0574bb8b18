"""The built-in data sets: Reuters' 46 topics from either source, and the ModApte split."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import numpy as np

from training.data.dataset import SPLIT_SEED, Article, DataError, Dataset, Split, split_newswires
from training.data.download import download_corpus
from training.data.keras_files import download_keras_files, read_keras_files
from training.data.reuters21578 import read_corpus
from training.data.reuters_expected import DESCRIPTION, NAME, check_dataset, topic_descriptions
from training.data.topic_list import TopicList

__all__ = ["SPLIT_SEED", "Article", "DataError", "Dataset", "Source", "Split", "load_dataset"]


class Source(StrEnum):
    """Where the newswires come from."""

    KERAS = "keras"
    REUTERS21578 = "reuters21578"
    MODAPTE = "modapte"


def load_dataset(
    source: Source,
    data_dir: Path | None,
    *,
    split_seed: int | None = SPLIT_SEED,
    report: Callable[[str], object] = lambda _: None,
) -> Dataset:
    """Read the newswires and split them; check Keras' split against every known fact.

    A folder of None downloads the source's files once, to a cache. A split seed of None splits by
    date; the ModApte split is fixed. Raises `DataError` if a file is missing, truncated or
    altered, or cannot be downloaded.
    """
    if source is Source.KERAS:
        vocabulary, newswires = read_keras_files(data_dir or download_keras_files())
    else:
        archive = data_dir or download_corpus()
        if source is Source.MODAPTE:
            from training.data.modapte import read_modapte  # splits of files need scipy

            return read_modapte(archive, report)
        vocabulary, newswires = read_corpus(archive)
    train, test = split_newswires(newswires, split_seed)
    counts = np.bincount(train.labels, minlength=len(train.topic_codes)).tolist()
    topics = TopicList(topic_descriptions()).topics(train.topic_codes, counts)
    dataset = Dataset(NAME, DESCRIPTION, source.value, vocabulary, topics, split_seed, train, test)
    if split_seed == SPLIT_SEED:
        check_dataset(dataset)
    return dataset
