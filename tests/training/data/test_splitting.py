import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.splitting import (
    LEFT_OUT,
    OPEN,
    TEST,
    TRAIN,
    connect,
    first_rows,
    follow_fixed,
    split_chronologically,
    split_stratified,
)

Sides = NDArray[np.int8]
Rows = list[tuple[int, int, int, int]]
rows_of_texts = st.lists(
    st.tuples(st.integers(0, 30), st.integers(-1, 8), st.integers(-1, 3), st.integers(-1, 1)),
    min_size=1,
    max_size=60,
)
"""Text, group, label and side of each row."""


def columns(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Sides]:
    texts, groups, labels, sides = np.array(rows, np.int64).T
    return texts, groups, labels, sides.astype(np.int8)


def sets_of(texts: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connect rows of the same text or group; a group of -1 is none."""
    own, named = np.arange(len(texts)), (None if key < 0 else key for key in groups.tolist())
    return connect(len(own), [(own, first_rows(texts.tolist())), (own, first_rows(named))])


def brute_force_sets(texts: NDArray[np.int64], groups: NDArray[np.int64]) -> list[set[int]]:
    sets = [{index} for index in range(len(texts))]
    for i in range(len(texts)):
        for j in range(i):
            if texts[i] == texts[j] or groups[i] == groups[j] >= 0:
                joined = sets[i] | sets[j]
                for index in joined:
                    sets[index] = joined
    return sets


@given(rows_of_texts)
def test_sets_are_those_of_brute_force(rows: Rows) -> None:
    texts, groups, _, _ = columns(rows)
    sets = sets_of(texts, groups)
    for index, expected in enumerate(brute_force_sets(texts, groups)):
        assert set(np.flatnonzero(sets == sets[index])) == expected
        assert sets[index] == min(expected)


@given(rows_of_texts, st.integers(0, 9))
def test_no_set_is_on_two_sides(rows: Rows, seed: int) -> None:
    texts, groups, labels, sides = columns(rows)
    sets = sets_of(texts, groups)
    followed = follow_fixed(sides, sets, np.ones(len(rows), np.bool_))
    order = np.random.default_rng(seed).permutation(len(rows))
    free = order[followed[order] == OPEN]
    for chosen in (
        split_stratified(sets[free], labels[free]),
        split_chronologically(sets[free], texts[free]),
    ):
        decided = followed.copy()
        decided[free] = chosen
        assert OPEN not in decided
        assert (decided[sides == TEST] == TEST).all()
        assert (decided[sides == TRAIN] != TEST).all()
        for number in np.unique(sets):
            assert len({*decided[sets == number].tolist()} - {LEFT_OUT}) == 1


def test_training_rows_equal_to_test_rows_are_left_out() -> None:
    sides = np.array([TRAIN, TEST, OPEN, TRAIN, OPEN, OPEN], np.int8)
    sets = np.array([0, 0, 0, 1, 1, 2])
    movable = np.ones(6, np.bool_)
    expected = [LEFT_OUT, TEST, TEST, TRAIN, TRAIN, OPEN]
    assert follow_fixed(sides, sets, movable).tolist() == expected
    assert follow_fixed(sides, sets, ~movable)[0] == TRAIN


def test_a_fifth_of_each_label() -> None:
    labels = np.repeat([-1, 0, 1, 2], [50, 100, 5, 7])
    orders = [np.random.default_rng(seed).permutation(len(labels)) for seed in (0, 1)]
    first, second = (order[split_stratified(order, labels[order]) == TEST] for order in orders)
    assert set(first) != set(second)
    for rows in (first, second):
        assert np.bincount(labels[rows] + 1).tolist() == [10, 20, 1, 1]


def test_a_large_group_is_trained_on() -> None:
    sets = np.array([0] * 10 + [*range(1, 11)])
    decided = split_stratified(sets, np.zeros(20, np.int64))
    assert np.flatnonzero(decided == TEST).tolist() == [10, 11, 12, 13]


def test_later_texts_are_tested_on() -> None:
    days = np.arange(10)[::-1]
    decided = split_chronologically(np.arange(10), days)
    assert np.flatnonzero(decided == TEST).tolist() == [0, 1]
    sets = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 1])  # the oldest beside the second newest
    decided = split_chronologically(sets, days)
    assert np.flatnonzero(decided == TEST).tolist() == [0, 1, 9]
