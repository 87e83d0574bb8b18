from dataclasses import replace

import pytest

from service.model import NewsText
from tests.training.recipes.test_linear import SETTINGS, WRITTEN, some_of
from training.data import Dataset
from training.evaluation.ablation import COLUMNS, RECIPE, VARIANTS, run_ablation

TEXT = NewsText("It rose 18 cents.", "Oil up")


@pytest.fixture(scope="module")
def dataset(corpus_dataset: Dataset) -> Dataset:
    return replace(corpus_dataset, train=some_of(corpus_dataset.train, 30))


def test_variant_is_measured_by_cross_validation(dataset: Dataset) -> None:
    variants = (VARIANTS[0], replace(RECIPE, name="all"))
    record = run_ablation(dataset, SETTINGS, variants, WRITTEN)
    assert record["columns"] == list(COLUMNS.values())
    (first, *plain), (last, *all_of_it) = record["rows"]
    assert (first, last) == ("words", "all")
    assert plain[-2:] == [None, None]  # neither a margin of no topic, nor probabilities
    assert all(0 < score < 1 for score in (*plain[:-2], *all_of_it))
    assert run_ablation(dataset, SETTINGS, variants, WRITTEN) == record


def test_tokens_of_variants() -> None:
    tokens = {variant.name: variant.tokens(TEXT) for variant in VARIANTS}
    words = ["oil", "up", "it", "rose", "18", "cents"]
    assert tokens["words"] == words
    assert tokens["+ separate features for title words"] == [*words, "title:oil", "title:up"]
    assert "#2" in tokens["+ numbers by length"]
    assert "18" not in tokens["+ numbers by length"]
    assert "lead:rose" in tokens["+ separate features for lead words"]
