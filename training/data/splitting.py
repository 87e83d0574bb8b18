"""Splits of labelled texts in which equal texts and texts of one group are on the same side."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from training.data.dataset import NO_TOPIC, TRAIN_SHARE

OPEN: Final = -1  # not decided yet
TRAIN: Final = 0
TEST: Final = 1
LEFT_OUT: Final = 2  # a training text that equals a test text or shares its group
SIDES: Final[Mapping[str | None, int]] = {None: OPEN, "train": TRAIN, "test": TEST}


def first_rows(keys: Iterable[Hashable]) -> NDArray[np.int64]:
    """Return for each row the first row with its key, (n_rows,); itself if its key is None."""
    firsts: dict[Hashable, int] = {}
    found = (row if key is None else firsts.setdefault(key, row) for row, key in enumerate(keys))
    return np.fromiter(found, np.int64)


def connect(
    n_rows: int, pairs: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> NDArray[np.int64]:
    """Return for each row the first row of its connected component, (n_rows,).

    Each of the pairs is two arrays of rows, (n_pairs,), where each row is connected to the one at
    the same index.
    """
    ends = tuple(np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(n_rows, n_rows))
    _, sets = connected_components(graph, directed=False)
    _, firsts, numbers = np.unique(sets, return_index=True, return_inverse=True)
    return firsts[numbers]


def follow_fixed(
    sides: NDArray[np.int8], sets: NDArray[np.int64], movable: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Return the sides, (n_rows,), with open rows on the side of the decided rows of their set.

    Of both sides, that of the test rows wins. Training rows of a set with a test row are left out
    if they are movable, (n_rows,).
    """
    has_test, has_train = (np.isin(sets, sets[sides == side]) for side in (TEST, TRAIN))
    decided = np.where(has_test, TEST, np.where(has_train, TRAIN, OPEN))
    followed = np.where(sides == OPEN, decided, sides)
    followed[(sides == TRAIN) & has_test & movable] = LEFT_OUT
    return followed.astype(np.int8)


def split_stratified(sets: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the sides of rows, (n_rows,): a fifth of each label for testing.

    Sets are taken in the order of the rows, and the label of a set is that of its first row. A set
    that is more than twice as large as what remains to be chosen is for training.
    """
    _, first, inverse, sizes = np.unique(
        sets, return_index=True, return_inverse=True, return_counts=True
    )
    set_labels = labels[first] - NO_TOPIC
    left = np.rint((1 - TRAIN_SHARE) * np.bincount(set_labels, sizes)).astype(np.int64)
    chosen = np.full(len(sizes), TRAIN, np.int8)
    for index in np.argsort(first).tolist():
        label = set_labels[index]
        if sizes[index] <= 2 * left[label]:  # nearer to a fifth than without it
            left[label] -= sizes[index]
            chosen[index] = TEST
    return chosen[inverse]


def split_chronologically(sets: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the sides of rows, (n_rows,): the last fifth by day for testing.

    The day of a set is that of its last row: no training row is later than the last of a test set.
    """
    _, numbers = np.unique(sets, return_inverse=True)
    last = np.zeros(len(sets), np.int64)
    np.maximum.at(last, numbers, days)
    by_day = np.lexsort((numbers, last[numbers]))
    later = by_day[int(len(by_day) * TRAIN_SHARE) :]
    # also the earlier rows of a set that the cut divides
    return np.where(np.isin(sets, sets[later]), np.int8(TEST), np.int8(TRAIN))
