"""From text to ranked topics: encode, infer, postprocess."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.model.abstention import Abstention, AbstentionThresholds
from service.model.bundle import ENCODERS, Bundle
from service.model.encoder import NewsText
from service.model.errors import BundleError
from service.model.explanation import Explanation, word_effects
from service.model.manifest import NEVER_REACHED, Topic
from service.model.outputs import OUTPUTS, PROBABILITIES, TOPIC_PROBABILITIES
from service.model.padding import bucket_by_length, fits_one_batch, pad
from service.model.ranking import (
    DEFAULT_TOP_K,
    Classification,
    RankedGroup,
    TopicGroups,
    rank_topics,
    topics_over_threshold,
)
from service.model.session import Session
from service.model.subjects import NewsSubject, SubjectIndex
from service.model.token_counts import EncodedText


class TopicClassifier:
    """Classifies news text with the network of a bundle.

    Safe to use from several threads. `service.model.loading` builds and verifies one.

    Raises
    ------
    BundleError
        If onnxruntime rejects the network, or the encoder the vocabulary.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.manifest = bundle.manifest
        self.topics = bundle.topics
        self.drift_baseline = bundle.drift_baseline
        self.fingerprint = bundle.fingerprint
        self.golden_texts = [NewsText(golden.text, golden.title) for golden in bundle.goldens]
        try:
            self.encoder = ENCODERS[bundle.manifest.tokenizer](bundle.vocabulary)
        except (ValueError, OverflowError) as error:  # OverflowError: an id beyond 64 bits
            raise BundleError(f"vocabulary.json: {error}") from error
        self.thresholds = AbstentionThresholds(
            known_words_ratio=bundle.manifest.min_known_words_ratio,
            confidence=_reachable(bundle.manifest.min_confidence),
            topic_confidence={
                code: _reachable(confidence)
                for code, confidence in bundle.manifest.topic_min_confidence.items()
            },
        )
        self.default_top_k = min(DEFAULT_TOP_K, len(bundle.topics))
        self.n_outputs = bundle.n_outputs
        self.outputs = [role for role in OUTPUTS if role in bundle.manifest.tensors]
        self.finds_all_topics = TOPIC_PROBABILITIES in self.outputs
        thresholds = bundle.manifest.all_topics_thresholds
        self.all_topics_thresholds = np.array(
            [_reachable(thresholds.get(topic.code, NEVER_REACHED)) for topic in bundle.topics],
            dtype=np.float32,
        )
        """Shape (n_topics,)."""
        self._groups = TopicGroups(bundle.topics)
        self._subjects = SubjectIndex(
            bundle.topics, name=bundle.manifest.name, version=bundle.manifest.version
        )
        self.has_subjects = bool(self._subjects)
        self.session = Session(bundle.network, bundle.manifest.tensors)

    def classify(
        self,
        texts: Sequence[str | NewsText],
        *,
        top_k: int | None = None,
        min_confidence: float | None = None,
        all_topics: bool = False,
        subjects: bool = False,
    ) -> list[Classification]:
        """Classify texts: encode, infer, postprocess.

        Parameters
        ----------
        texts : sequence of str or NewsText, of length n_texts
            A `NewsText` has a separate title.
        top_k : int or None
            Number of topics per text, 1 to n_topics; None for `default_top_k`.
        min_confidence : float or None
            Abstain below this score; None uses the thresholds of the bundle. Has no effect on
            abstentions because no topic fits.
        all_topics : bool
            Also find every topic of each text, as `add_all_topics`. The network runs again for it.
        subjects : bool
            Also add the concepts that each text is about, as `add_subjects`.

        Returns
        -------
        list of Classification, of length n_texts

        Raises
        ------
        InferenceError
            If the network's output is not a probability distribution.
        TypeError
            If ``texts`` is one text instead of a list of texts.
        ValueError
            If top_k is out of range, or the model cannot find all topics or has no subjects.
        """
        if isinstance(texts, str | NewsText):
            raise TypeError(f"texts: expected a list of texts, got one {type(texts).__name__}")
        if all_topics and not self.finds_all_topics:
            raise ValueError(
                f"all_topics: expected a model with the output {TOPIC_PROBABILITIES}, which bundle "
                f"{self.manifest.version} of {self.manifest.name} does not have: train it again "
                "with the recipe linear"
            )
        if not texts:
            return []
        encoded = [self.encode(text) for text in texts]
        n_texts = len(encoded)
        probabilities = self.infer(encoded)
        found = self.postprocess(
            encoded,
            probabilities,
            top_k=[self.default_top_k if top_k is None else top_k] * n_texts,
            min_confidence=[min_confidence] * n_texts,
        )
        if all_topics:
            found = self.add_all_topics(self.infer(encoded, TOPIC_PROBABILITIES), found)
        return self.add_subjects(probabilities, found) if subjects else found

    def encode(self, text: str | NewsText) -> EncodedText:
        """Encode a text for the network; it may have no words."""
        return self.encoder.encode(*_text_and_title(text))

    def infer(
        self, encoded: Sequence[EncodedText], output: str = PROBABILITIES
    ) -> NDArray[np.float32]:
        """Return the probabilities of each text; `postprocess` checks them.

        Returns
        -------
        float32 array of shape (n_texts, n_outputs)
            A column per topic; with ``manifest.no_topic`` a last one for none of the topics, but
            not in `TOPIC_PROBABILITIES`.
        """
        if len(encoded) == 1:
            (text,) = encoded
            return self.session.run(
                text.token_ids[np.newaxis], text.token_counts[np.newaxis], output
            )
        lengths = [len(text.token_ids) for text in encoded]
        if encoded and fits_one_batch(len(encoded), max(lengths)):
            return self.session.run(*pad(encoded), output)
        width = self.n_outputs if output == PROBABILITIES else len(self.topics)
        probabilities = np.empty((len(encoded), width), dtype=np.float32)
        for chunk in bucket_by_length(lengths):
            texts = [encoded[index] for index in chunk]
            probabilities[chunk] = self.session.run(*pad(texts), output)
        return probabilities

    def postprocess(
        self,
        encoded: Sequence[EncodedText],
        probabilities: NDArray[np.float32],
        *,
        top_k: Sequence[int],
        min_confidence: Sequence[float | None],
    ) -> list[Classification]:
        """Rank the topics of each text and decide whether to abstain.

        Parameters
        ----------
        encoded : sequence of EncodedText, of length n_texts
        probabilities : float32 array of shape (n_texts, n_outputs)
            From `infer`.
        top_k, min_confidence : sequences of length n_texts
            As for `classify`, one for each text.

        Raises
        ------
        InferenceError
            If a row is not a probability distribution.
        ValueError
            If a top_k is out of range.
        """
        rankings = rank_topics(self.topics, probabilities, top_k=top_k)
        has_no_topic = self.manifest.no_topic
        no_topic = probabilities[:, -1].tolist() if has_no_topic else [None] * len(encoded)
        reasons = [
            self.thresholds.decide(
                known_words_ratio=text.known_words_ratio,
                score=ranking[0].score,
                topic=ranking[0].topic.code,
                no_topic=score,
                min_confidence=threshold,
            )
            for text, ranking, score, threshold in zip(
                encoded, rankings, no_topic, min_confidence, strict=True
            )
        ]
        groups = {}
        if Abstention.LOW_CONFIDENCE in reasons:
            groups = self._sure_groups(probabilities, reasons, min_confidence)
        return [
            Classification(ranking, text.known_words_ratio, reason, groups.get(row), score)
            for row, (text, ranking, reason, score) in enumerate(
                zip(encoded, rankings, reasons, no_topic, strict=True)
            )
        ]

    def add_all_topics(
        self, probabilities: NDArray[np.float32], classifications: Sequence[Classification]
    ) -> list[Classification]:
        """Add every topic whose own probability reaches its threshold in the bundle.

        They are independent of the ranking: a text may have several, or none. A text with too few
        known words, or that no topic fits, has none.

        Parameters
        ----------
        probabilities : float32 array of shape (n_texts, n_topics)
            Output `TOPIC_PROBABILITIES` of `infer`.
        classifications : sequence of length n_texts

        Raises
        ------
        InferenceError
            If a probability is not from 0 to 1.
        """
        found = topics_over_threshold(self.topics, probabilities, self.all_topics_thresholds)
        fitting = (None, Abstention.LOW_CONFIDENCE)
        return [
            item._replace(all_topics=topics if item.abstained in fitting else [])
            for item, topics in zip(classifications, found, strict=True)
        ]

    def add_subjects(
        self, probabilities: NDArray[np.float32], classifications: Sequence[Classification]
    ) -> list[Classification]:
        """Add the concepts that each text is about: those of its topics in the bundle.

        Its topics are the one ranked first, or all topics if any were found. There are no subjects
        if the model abstained.

        Parameters
        ----------
        probabilities : float32 array of shape (n_texts, n_outputs)
            From `infer`.
        classifications : sequence of length n_texts

        Raises
        ------
        ValueError
            If no topic of the model has subjects.
        """
        if not self.has_subjects:
            raise ValueError(
                "subjects: expected a model whose topics have subjects, got bundle "
                f"{self.manifest.version} of {self.manifest.name} without any: train it again"
            )
        return [
            item._replace(subjects=self._subjects_of(item, row))
            for item, row in zip(classifications, probabilities, strict=True)
        ]

    def _subjects_of(self, item: Classification, row: NDArray[np.float32]) -> list[NewsSubject]:
        if item.abstained:
            return []
        if not item.all_topics:
            return self._subjects.find([item.topics[0].topic], row)
        scores = np.zeros(len(self.topics), dtype=np.float32)
        for topic, score in item.all_topics:
            scores[topic.id] = score
        return self._subjects.find([ranked.topic for ranked in item.all_topics], scores)

    def _sure_groups(
        self,
        probabilities: NDArray[np.float32],
        reasons: Sequence[Abstention | None],
        min_confidence: Sequence[float | None],
    ) -> dict[int, RankedGroup]:
        """Return the groups that reach the confidence that no topic reaches, by row of the text."""
        rows = [row for row, reason in enumerate(reasons) if reason is Abstention.LOW_CONFIDENCE]
        groups = self._groups.best(probabilities[rows, : len(self.topics)])
        default = self.thresholds.confidence
        return {
            row: group
            for row, group in zip(rows, groups, strict=True)
            if group
            and group.score >= (default if (least := min_confidence[row]) is None else least)
        }

    def explain(self, text: str | NewsText, topic: Topic | None = None) -> Explanation:
        """Attribute the score of a topic to words, by leaving out each word in turn.

        The time grows with the square of the number of distinct words.

        Parameters
        ----------
        topic : Topic or None
            None for the topic ranked first.

        Raises
        ------
        InferenceError
            If the network's output is not a probability distribution.
        """
        text = NewsText(text) if isinstance(text, str) else text
        topic = topic or self.classify([text], top_k=1)[0].topics[0].topic
        return Explanation(topic, word_effects(text, topic.id, self.encoder, self.session))


def _reachable(threshold: float) -> float:
    """Return a threshold of a bundle, or infinity for `NEVER_REACHED`."""
    return np.inf if threshold >= NEVER_REACHED else threshold


def _text_and_title(text: str | NewsText) -> tuple[str, str | None]:
    return (text, None) if isinstance(text, str) else (text.text, text.title)
