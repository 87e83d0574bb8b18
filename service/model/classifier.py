"""From text to ranked topics: a bundle in an onnxruntime session."""

from collections.abc import Sequence
from typing import Final, NoReturn, overload

import numpy as np
from numpy.typing import NDArray

from service.model.abstention import Abstention, AbstentionThresholds
from service.model.bundle import Bundle
from service.model.encoder import UNKNOWN_ID, EncodedText, NewsText, TokenChange
from service.model.encoders import ENCODERS
from service.model.errors import BundleError
from service.model.explanation import Explanation, WordEffect, leave_out_each, place_words
from service.model.manifest import Topic
from service.model.padding import chunks_of_like_length, fits_a_chunk, pad
from service.model.ranking import (
    Classification,
    RankedTopic,
    best_group,
    check_rows,
    rank_topics,
)
from service.model.session import Session

EXPLAINED_COUNTS: Final = 2**20
"""How many counts go through the network at once where words are left out: 4 MB."""


class TopicClassifier:
    """Classifies news text with the network of a bundle.

    Stateless, and safe to use from several threads.

    Parameters
    ----------
    bundle : Bundle
        `service.model.loading` reads one, and verifies its classifier.

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
        try:
            self.encoder = ENCODERS[bundle.manifest.tokeniser](bundle.vocabulary)
        except (ValueError, OverflowError) as error:  # ids have 64 bits
            raise BundleError(f"vocabulary.json: {error}") from error
        self.thresholds = AbstentionThresholds(
            known_words_ratio=bundle.manifest.min_known_words_ratio,
            confidence=bundle.manifest.min_confidence,
            topic_confidence=bundle.manifest.topic_min_confidence,
        )
        self.n_outputs = bundle.n_outputs
        self.session = Session(bundle.network, bundle.manifest.tensors)

    @overload
    def classify(  # a str is a sequence of str, too: each letter would be a text
        self, texts: str, *, top_k: int = 3, min_confidence: float | None = None
    ) -> NoReturn: ...

    @overload
    def classify(
        self,
        texts: Sequence[str | NewsText],
        *,
        top_k: int = 3,
        min_confidence: float | None = None,
    ) -> list[Classification]: ...

    def classify(
        self,
        texts: Sequence[str | NewsText],
        *,
        top_k: int = 3,
        min_confidence: float | None = None,
    ) -> list[Classification]:
        """Classify texts: encode, infer, rank.

        Parameters
        ----------
        texts : sequence of str or NewsText, of length n_texts
            A `NewsText` has a title apart. One text is a list of one.
        top_k : int
            How many topics to give for each, 1 to n_topics.
        min_confidence : float or None
            Abstain below this score; None takes the thresholds that were chosen in training. It
            does not change when the answer is that none of the topics fits.

        Returns
        -------
        list of Classification, of length n_texts

        Raises
        ------
        InferenceError
            If the network gives something that is not a probability.
        TypeError
            If ``texts`` is one text instead of a list of texts.
        ValueError
            If top_k is out of range.
        """
        if isinstance(texts, str | NewsText):
            raise TypeError(f"texts: expected a list of texts, got one {type(texts).__name__}")
        if not texts:
            return []
        encoded = [self.encode(text) for text in texts]
        probabilities = self.infer(encoded)
        return [
            self.answer(text, row, top_k=top_k, min_confidence=min_confidence)
            # not strict: to be asked for a row too many costs an array 4 µs, for an IndexError
            for text, row in zip(encoded, probabilities, strict=False)
        ]

    def encode(self, text: str | NewsText) -> EncodedText:
        """Encode a text for the network. Any str is accepted, also one without a word."""
        if isinstance(text, str):
            return self.encoder.encode(text)
        return self.encoder.encode(text.text, text.title)

    def infer(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Return the probabilities that the network gives for each text; `rank` checks them.

        Parameters
        ----------
        encoded : sequence of EncodedText, of length n_texts

        Returns
        -------
        float32 array of shape (n_texts, n_outputs)
            A column for each topic; where the model knows it, a last one for none of the topics.
        """
        lengths = [len(text.token_ids) for text in encoded]
        if encoded and fits_a_chunk(len(encoded), max(lengths)):
            return self.session.run(*pad(encoded))
        probabilities = np.empty((len(encoded), self.n_outputs), dtype=np.float32)
        for chunk in chunks_of_like_length(lengths):
            probabilities[chunk] = self.session.run(*pad([encoded[index] for index in chunk]))
        return probabilities

    def answer(
        self,
        encoded: EncodedText,
        probabilities: NDArray[np.float32],
        *,
        top_k: int,
        min_confidence: float | None = None,
    ) -> Classification:
        """Rank a text's topics, and say whether to rely on the first.

        Parameters
        ----------
        encoded : EncodedText
        probabilities : float32 array of shape (n_outputs,)
            The row of `infer`.
        top_k, min_confidence
            As for `classify`.
        """
        ranking = self.rank(probabilities, top_k=top_k)
        first = ranking[0]
        known_words_ratio = encoded.known_words_ratio
        no_topic = probabilities.item(-1) if self.manifest.no_topic else None
        abstained = self.thresholds.judge(
            known_words_ratio=known_words_ratio,
            score=first.score,
            topic=first.topic.code,
            no_topic=no_topic,
            min_confidence=min_confidence,
        )
        if abstained is not Abstention.LOW_CONFIDENCE:
            return Classification(ranking, known_words_ratio, abstained, None, no_topic)
        confidence = self.thresholds.confidence if min_confidence is None else min_confidence
        group = best_group(self.topics, probabilities[: len(self.topics)])
        sure = group if group.score >= confidence else None
        return Classification(ranking, known_words_ratio, abstained, sure, no_topic)

    def explain(self, text: str | NewsText, topic: Topic | None = None) -> Explanation:
        """Say which words spoke for a topic, by leaving out each in turn.

        The time grows with the square of the number of distinct words.

        Parameters
        ----------
        text : str or NewsText
        topic : Topic or None
            None is the one that is ranked first.

        Raises
        ------
        InferenceError
            If the network gives something that is not a probability, to any of the texts.
        """
        text = NewsText(text) if isinstance(text, str) else text
        changes = self.encoder.token_changes(text.text, text.title)
        encoded = self.encode(text)
        probabilities = self.infer([encoded])
        check_rows(probabilities)
        (whole,) = probabilities
        topic = topic or self.rank(whole, top_k=1)[0].topic
        distinct = {change: row for row, change in enumerate(dict.fromkeys(changes))}
        scores = self._leave_out_each(encoded, list(distinct))[:, topic.id]
        effects = (whole[topic.id] - scores).tolist()
        return Explanation(
            topic,
            [
                WordEffect(*placed, change.word_id != UNKNOWN_ID, effects[distinct[change]])
                for placed, change in zip(
                    place_words(text, self.encoder.tokenizer), changes, strict=True
                )
            ],
        )

    def _leave_out_each(
        self, encoded: EncodedText, changes: Sequence[TokenChange]
    ) -> NDArray[np.float32]:
        """Probabilities of shape (n_changes, n_outputs)."""
        n_rows = max(1, EXPLAINED_COUNTS // (1 + len(encoded.token_ids)))
        chunks = [changes[start : start + n_rows] for start in range(0, len(changes), n_rows)]
        empty = np.empty((0, self.n_outputs), dtype=np.float32)
        probabilities = np.concatenate(
            [empty, *(self.session.run(*leave_out_each(encoded, chunk)) for chunk in chunks)]
        )
        check_rows(probabilities)
        return probabilities

    def rank(self, probabilities: NDArray[np.float32], *, top_k: int) -> list[RankedTopic]:
        """Order topics by probability, highest first; ties go to the lower class index.

        Parameters
        ----------
        probabilities : float32 array of shape (n_outputs,)
            The first n_topics are ranked; all of them must sum to 1.
        top_k : int
            1 to n_topics.

        Raises
        ------
        InferenceError
            If they are no probabilities: not finite, negative, or if they do not sum to 1.
        ValueError
            If top_k is out of range.
        """
        return rank_topics(self.topics, probabilities, top_k=top_k)
