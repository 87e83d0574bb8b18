"""Baselines: guessing, the largest class, and a linear SVM."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from service.model.encoder import join_title
from service.model.tokenization import KERAS_TOKENIZER
from training.data import Dataset
from training.data.views import ARTICLE, KERAS, views_of
from training.evaluation.evaluate import Evaluation

C: Final = {KERAS: 0.5, ARTICLE: 1.0}  # by 5-fold cross-validation inside Keras' training split


def trivial_accuracies(dataset: Dataset) -> dict[str, float]:
    """Return the accuracies of shuffled test labels and of the most frequent training topic."""
    n_topics = len(dataset.topic_codes)
    shares = np.bincount(dataset.test.labels, minlength=n_topics) / len(dataset.test.labels)
    largest = np.bincount(dataset.train.labels, minlength=n_topics).argmax()
    return {"random_guess": float(shares @ shares), "largest_class": float(shares[largest])}


def linear_svm(dataset: Dataset) -> Mapping[str, Evaluation]:
    """Fit a linear SVM on TF-IDF words to views of the training newswires, and evaluate it.

    T. Joachims, "Text categorization with support vector machines", ECML 1998, measured on this
    corpus; here one-vs-rest, with squared hinge loss.
    """
    train, test = (views_of(part, dataset.vocabulary) for part in (dataset.train, dataset.test))
    evaluations = {}
    for name in (name for name in C if name in train):
        vectorizer = TfidfVectorizer(
            analyzer=lambda item: KERAS_TOKENIZER.tokenize(join_title(item.title, item.text)),
            sublinear_tf=True,
        )
        svm = make_pipeline(vectorizer, LinearSVC(C=C[name], random_state=0))
        svm.fit(train[name].texts, train[name].labels)
        margins = svm.decision_function(test[name].texts).astype(np.float32)
        evaluations[name] = Evaluation(
            test[name].labels, margins, test[name].topics, probabilistic=False
        )
    return evaluations
