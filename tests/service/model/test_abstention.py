import pytest

from service.model import Abstention, AbstentionThresholds

THRESHOLDS = AbstentionThresholds(known_words_ratio=0.8, confidence=0.6)


@pytest.mark.parametrize(
    ("known_words_ratio", "score", "min_confidence", "expected"),
    [
        (0.8, 0.6, None, None),
        (0.79, 1.0, None, Abstention.TOO_FEW_KNOWN_WORDS),
        (0.79, 0.1, None, Abstention.TOO_FEW_KNOWN_WORDS),
        (0.9, 0.59, None, Abstention.LOW_CONFIDENCE),
        (0.9, 0.59, 0.5, None),
        (0.9, 0.89, 0.9, Abstention.LOW_CONFIDENCE),
        (0.9, 0.01, 0.0, None),
        (0.79, 1.0, 0.0, Abstention.TOO_FEW_KNOWN_WORDS),
    ],
)
def test_reasons_to_abstain(
    known_words_ratio: float,
    score: float,
    min_confidence: float | None,
    expected: Abstention | None,
) -> None:
    reason = THRESHOLDS.judge(
        known_words_ratio=known_words_ratio, score=score, min_confidence=min_confidence
    )
    assert reason == expected
