"""Work in steps: the same result, with rests where they are asked for."""

import threading

import pytest

from service.model import TopicClassifier
from service.model.encoding import TextEncoder
from service.model.errors import BundleError
from service.model.fields import FieldEncoder
from service.model.steps import STEP_ITEMS, in_steps, is_resting, rest, resting
from service.model.strict_json import parse_json
from tests.conftest import LATEST

SECONDS = 0.001


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Each rest that was taken."""
    taken: list[float] = []
    monkeypatch.setattr("service.model.steps.time.sleep", taken.append)
    return taken


def test_nothing_rests_unless_asked(rests: list[float]) -> None:
    items = range(10 * STEP_ITEMS)
    assert in_steps(items) is items
    rest()
    TopicClassifier.load(LATEST)
    assert not rests


def test_rests_after_each_step(rests: list[float]) -> None:
    with resting(SECONDS):
        assert list(in_steps(range(2 * STEP_ITEMS + 1))) == list(range(2 * STEP_ITEMS + 1))
        assert rests == [SECONDS] * 2
        assert list(in_steps("abcde", n_items=2)) == list("abcde")
        assert rests == [SECONDS] * 4
    rest()
    assert rests == [SECONDS] * 4


def test_another_thread_does_not_rest() -> None:
    seen = []
    with resting(SECONDS):
        thread = threading.Thread(target=lambda: seen.append(is_resting()))
        thread.start()
        thread.join()
        assert is_resting()
    assert seen == [False]
    assert not is_resting()


def test_numbers_are_parsed_the_same_with_rests(rests: list[float]) -> None:
    whole, broken = [-1, 0, 2**70, *range(STEP_ITEMS)], [0.5, -1e-7] * STEP_ITEMS
    text = str([whole, broken]).encode()
    expected = parse_json(text, "x")
    with resting(SECONDS):
        assert parse_json(text, "x") == expected
        # between whole numbers, between broken ones, at the end, and where nesting is looked at
        assert len(rests) == 1 + 2 + 1 + 1 + 2
        with pytest.raises(BundleError, match="x: is not JSON"):
            parse_json(b"[" + b"9" * 5_000 + b"]", "x")


@pytest.mark.parametrize("kind", [TextEncoder, FieldEncoder])
def test_encoders_are_the_same_with_rests(kind: type[TextEncoder], rests: list[float]) -> None:
    words = {f"w{number}": 4 + number for number in range(2 * STEP_ITEMS)}
    fields = {f"title:w{number}": 10_000 + number for number in range(STEP_ITEMS)}
    vocabulary = words | (fields if kind is FieldEncoder else {})
    usual = kind(vocabulary)
    with resting(SECONDS):
        rested = kind(vocabulary)
    assert len(rests) > 5
    assert vars(rested) == vars(usual)


def test_a_bundle_is_loaded_in_short_steps(rests: list[float]) -> None:
    usual = TopicClassifier.load(LATEST)
    with resting(SECONDS):
        rested = TopicClassifier.load(LATEST)
    assert len(rests) > 4 * len(usual.encoder.vocabulary) / STEP_ITEMS
    assert vars(rested.encoder) == vars(usual.encoder)
    texts = ["OPEC agreed to cut crude output.", "The bank raised its prime rate."]
    assert rested.classify(texts) == usual.classify(texts)
