"""A data set of labelled rows: words, topics and split."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import join_title
from training.data import splitting
from training.data.columns import LabelledRow
from training.data.dataset import FILES, NO_TOPIC, Article, DataError, Dataset, Split, labels_of
from training.data.splitting import LEFT_OUT, OPEN, SIDES, TEST, TRAIN
from training.data.text_table import TextTable
from training.data.topic_list import MIN_TEXTS, TopicList, check_number_of_topics, rare_topics

MAX_SHOWN: Final = 5  # topics in a message


def build_dataset(
    rows: Iterable[LabelledRow],
    topics: TopicList,
    *,
    name: str,
    description: str,
    built_in: Dataset | None = None,
    split_seed: int | None,
    drop_rare: bool = False,
    min_texts: int = MIN_TEXTS,
    report: Callable[[str], object] = lambda _: None,
) -> Dataset:
    """Build a data set of a built-in one, whose texts keep topics and split, and of rows.

    Rows are in the part of the split that they name. Of the others, a fifth of each topic is for
    testing, or the last fifth by date if the split seed is None. Raises `DataError`.
    """
    texts = TextTable()
    codes = list(built_in.topic_codes) if built_in else []
    for split, side in ((built_in.train, TRAIN), (built_in.test, TEST)) if built_in else ():
        for article in (*split.articles, *split.negatives):
            texts.add(article, side)
    n_built_in = len(texts.articles)
    _add_rows(texts, rows, topics, dated=split_seed is None)

    own = [article.topics for article in texts.articles[n_built_in:]]
    rare = rare_topics(own, codes, drop=drop_rare, min_texts=min_texts)
    codes += sorted({code for item in own for code in item} - rare - {*codes})
    check_number_of_topics(codes)
    _drop_topics(texts, rare, n_built_in)
    n_dropped = texts.sides.count(LEFT_OUT)
    if rare:
        shown = ", ".join(sorted(rare)[:MAX_SHOWN]) + ", ..." * (len(rare) > MAX_SHOWN)
        report(
            f"Left out {len(rare):,} rare topics ({shown}), and {n_dropped:,} rows with no other"
        )
    labels = labels_of((article.topics for article in texts.articles), codes)
    sides, order = _split(texts, labels, n_built_in, split_seed)
    if n_left_out := int((sides == LEFT_OUT).sum()) - n_dropped:
        report(f"Left out {n_left_out:,} training rows: equal to test rows, or of their groups")
    vocabulary = texts.rank_words(np.flatnonzero((labels != NO_TOPIC) & (sides == TRAIN)))
    whole = Split(texts.token_ids, labels, codes, texts.articles, negatives=texts.articles)

    def part(side: int) -> Split:
        chosen = order[sides[order] == side]
        topical = labels[chosen] != NO_TOPIC
        return whole.select(chosen[topical], chosen[~topical])

    train, test = part(TRAIN), part(TEST)
    n_texts = Counter(code for article in train.articles for code in article.topics)
    counts = [n_texts[code] for code in codes]
    _check_split(train, test, counts)
    report(
        f"Read texts of {len(codes):,} topics: {len(train.labels):,} to train on and "
        f"{len(test.labels):,} to test on; of no topic: {len(train.negatives):,} and "
        f"{len(test.negatives):,}"
    )
    described = topics.topics(codes, counts)
    return Dataset(name, description, FILES, vocabulary, described, split_seed, train, test)


def _add_rows(
    texts: TextTable, rows: Iterable[LabelledRow], topics: TopicList, *, dated: bool
) -> None:
    for row in rows:
        if dated and row.split is None and row.date is None:
            raise DataError(
                f"--chronological: expected a date in every row, {row.file}, line {row.line} has "
                "none"
            )
        title, whole = row.title or "", join_title(row.title, row.text)
        codes = topics.codes_of(row)
        article = Article(title, row.text, codes, whole, file=row.file, line=row.line)
        texts.add(article, SIDES[row.split], group=row.group, day=row.date)


def _drop_topics(texts: TextTable, rare: frozenset[str], start: int) -> None:
    """Remove rare topics from the texts from ``start`` on; leave out texts without another."""
    for index in range(start, len(texts.articles)) if rare else ():
        article = texts.articles[index]
        left = tuple(code for code in article.topics if code not in rare)
        if left != article.topics:
            texts.articles[index] = replace(article, topics=left)
            texts.sides[index] = texts.sides[index] if left else LEFT_OUT


def _split(
    texts: TextTable, labels: NDArray[np.int64], n_built_in: int, seed: int | None
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Return the side of each text, and the order of the texts in the splits."""
    own = np.arange(len(labels))
    pairs = [(own, splitting.first_rows(keys)) for keys in (texts.digests, texts.groups)]
    sets = splitting.connect(len(labels), pairs)
    sides = np.array(texts.sides, np.int8)
    sides = splitting.follow_fixed(sides, sets, own >= n_built_in)
    days = np.array(texts.days)
    if seed is None:
        order = np.argsort(days, kind="stable")
    else:
        order = _order_by_hash([item.keras_text for item in texts.articles], seed)
    rows = order[sides[order] == OPEN]
    if seed is None:
        sides[rows] = splitting.split_chronologically(sets[rows], days[rows])
    else:
        sides[rows] = splitting.split_stratified(sets[rows], labels[rows])
    return sides, order


def _order_by_hash(texts: Iterable[str], seed: int) -> NDArray[np.int64]:
    """Return an order, (n_texts,), which further texts do not change.

    So most texts stay in their part of the split when a file grows, and an earlier bundle can be
    measured on texts that it was not trained on.
    """
    key = seed.to_bytes(8, "little")
    digests = (
        blake2b(text.encode(errors="surrogatepass"), digest_size=8, key=key).digest()
        for text in texts
    )
    hashes = np.frombuffer(b"".join(digests), np.uint64)
    return np.argsort(hashes, kind="stable")


def _check_split(train: Split, test: Split, counts: Sequence[int]) -> None:
    advice = (
        "add texts, or split them by another way (--test, --chronological, a column split, or "
        "--columns group= to leave groups out)"
    )
    for what, part in (("train", train), ("test", test)):
        if not len(part.labels):
            raise DataError(f"expected texts of a topic to {what} on, got none: {advice}")
    if untaught := [train.topic_codes[index] for index, n in enumerate(counts) if not n]:
        shown = ", ".join(untaught[:MAX_SHOWN])
        raise DataError(
            f"expected texts of each topic to train on, got none of {len(untaught):,}, such as "
            f"{shown}: {advice}"
        )
