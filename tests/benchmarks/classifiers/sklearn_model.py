"""scikit-learn, as its example "Classification of text documents using sparse features" teaches it.

https://scikit-learn.org/stable/auto_examples/text/plot_document_classification_20newsgroups.html:
TF-IDF and a linear SVM. Scores are those of the decision function; calibrated ones take longer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

TOP_K = 3


def train(labels: Sequence[str], texts: Sequence[str], path: Path) -> None:
    """Train a pipeline and write it."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_df=0.5, min_df=5, stop_words="english")
    joblib.dump(make_pipeline(vectorizer, LinearSVC()).fit(texts, labels), path)


class Classifier:
    """Ranks the topics of a text."""

    def __init__(self, path: Path) -> None:
        self._pipeline = joblib.load(path)

    def classify(self, text: str) -> Any:
        """Rank the three best topics of a text."""
        return self.classify_batch([text])[0]

    def classify_batch(self, texts: Sequence[str]) -> Any:
        """Rank the three best topics of each text."""
        scores = self._pipeline.decision_function(texts)
        best = np.argsort(-scores, axis=1)[:, :TOP_K]
        topics = self._pipeline.classes_[best]
        return list(zip(topics, np.take_along_axis(scores, best, axis=1), strict=True))

    def ranking(self, text: str) -> list[tuple[str, float]]:
        """Return the three best topics of a text with their scores."""
        topics, scores = self.classify(text)
        return list(zip(topics.tolist(), scores.tolist(), strict=True))
