"""Our classifier of the bundle that is served, in process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.model import load_classifier

TOP_K = 3


class Classifier:
    """Ranks the topics of a text."""

    def __init__(self, path: Path) -> None:
        self._classifier = load_classifier(path)

    def classify(self, text: str) -> Any:
        """Rank the three best topics of a text."""
        return self._classifier.classify([text], top_k=TOP_K)[0]

    def classify_batch(self, texts: Sequence[str]) -> Any:
        """Rank the three best topics of each text."""
        return self._classifier.classify(texts, top_k=TOP_K)

    def ranking(self, text: str) -> list[tuple[str, float]]:
        """Return the three best topics of a text with their scores."""
        return [(item.topic.code, item.score) for item in self.classify(text).topics]
