"""From validated requests to responses: encode, infer, rank, serialise.

No event loop here: `service.api.routes.classify` chooses the thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from service.api.errors import RequestError, TooLargeError
from service.api.limits import MAX_RANKED_TOPICS, RequestLimits
from service.api.problems import to_problem
from service.api.schemas import BatchItem, ClassifyRequest, RankingOptions
from service.model import Classification, EncodedText, InferenceError, NewsText, TopicClassifier
from service.model.outputs import TOPIC_PROBABILITIES
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.observability.tracing.request_trace import PredictionTracer

MAX_ACTIVATIONS: Final = 2**23
"""Distinct tokens of a text times outputs of the model: a network takes some 5 bytes for each. A
text of all words of a vocabulary reaches it only with hundreds of topics."""


class Predictions(NamedTuple):
    """The predictions for the texts of a request."""

    classifications: list[Classification]
    """Of length n_texts."""
    probabilities: NDArray[np.float32]
    """Shape (n_texts, n_outputs), or (n_texts, n_topics) from `Predictor.predict_items`."""
    topic_probabilities: NDArray[np.float32] | None
    """Each topic's own, of the texts with the option ``all_topics``; None if there are none."""


class Predictor:
    """Predicts the topics of requests. Stateless, and safe to use from several threads."""

    def __init__(
        self,
        classifier: TopicClassifier,
        metrics: ServiceMetrics,
        limits: RequestLimits,
        health: ServiceHealth,
        tracer: PredictionTracer | None = None,
    ) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._limits = limits
        self._health = health
        self._tracer = tracer
        manifest = classifier.manifest
        self._model = {"model": {"name": manifest.name, "version": manifest.version}}

    def predict(self, request: ClassifyRequest) -> bytes:
        """Return the `ClassifyResponse` of a request, as JSON.

        Raises
        ------
        TooLargeError
            If an explanation is requested of too many words, or all topics of the texts are more
            than ``MAX_RANKED_TOPICS``.
        InferenceError
            If the network returns something that is not a probability.
        """
        with self._health_noted():
            (result,) = self._predict([request], [request])
        return to_json(result | self._model)

    def predict_each(self, requests: Sequence[ClassifyRequest]) -> list[bytes | Exception]:
        """Predict several requests, without explanations, with one inference.

        Return the response of each, or the error that it has alone: no request fails for another.
        """
        responses: list[bytes | Exception]
        try:
            responses = [
                to_json(classification.to_json_object() | self._model)
                for classification in self._classify(requests, requests).classifications
            ]
        except Exception as error:
            if len(requests) > 1:
                return [self.predict_each([request])[0] for request in requests]
            self._note_error(error)
            return [error]
        self._health.consecutive_errors = 0
        return responses

    def predict_batch(
        self,
        options: RankingOptions,
        items: Sequence[BatchItem],
        errors: Mapping[int, RequestError],
    ) -> bytes:
        """Return the `BatchResponse` of the valid items of a batch, and the errors of the others.

        Raises as `predict`.
        """
        with self._health_noted():
            answers = self._predict(items, [options] * len(items))
        for index, error in sorted(errors.items()):
            answers.insert(index, to_problem(error).model_dump(exclude_none=True))
        self._metrics.batch_size.observe(len(answers))
        return to_json({"answers": answers} | self._model)

    def predict_items(self, items: Sequence[BatchItem], options: RankingOptions) -> Predictions:
        """Predict checked texts, which are serialised elsewhere; raises as `predict`."""
        with self._health_noted():
            predictions = self._classify(items, [options] * len(items))
        self._metrics.batch_size.observe(len(items))
        n_topics = len(self._classifier.topics)
        return predictions._replace(probabilities=predictions.probabilities[:, :n_topics])

    @contextmanager
    def _health_noted(self) -> Iterator[None]:
        """Note whether the inferences of a request inside succeed."""
        try:
            yield
        except Exception as error:
            self._note_error(error)
            raise
        self._health.consecutive_errors = 0

    def _note_error(self, error: Exception) -> None:
        if isinstance(error, InferenceError):
            self._metrics.inference_errors.inc()
            self._health.inference_failed()

    def _predict(
        self, items: Sequence[BatchItem], options: Sequence[RankingOptions]
    ) -> list[dict[str, Any]]:
        """Return the result of each item, with an explanation where one is requested."""
        results = [
            classification.to_json_object()
            for classification in self._classify(items, options).classifications
        ]
        for item, option, result in zip(items, options, results, strict=True):
            if option.explain:
                result["explanation"] = self._explain(item, topic_id=result["topics"][0]["id"])
        return results

    def _classify(
        self, items: Sequence[BatchItem], options: Sequence[RankingOptions]
    ) -> Predictions:
        """Text to token ids to probabilities to ranking; each stage is timed.

        The network runs again for the texts with the option ``all_topics``, and only for these.
        """
        classifier = self._classifier
        began = perf_counter()
        encoded = [classifier.encoder.encode(item.text or "", item.title) for item in items]
        encode_ended = perf_counter()
        max_tokens = MAX_ACTIVATIONS // classifier.n_outputs
        if any(len(text.token_ids) > max_tokens for text in encoded):
            raise TooLargeError(
                f"Expected texts of at most {max_tokens} different words, those of title and lead "
                "counted twice."
            )
        if options[0].explain:  # of a request, all items have it or none
            self._check_explained(encoded)
        probabilities = classifier.infer(encoded)
        topic_probabilities = None
        if rows := [row for row, option in enumerate(options) if option.all_topics]:
            topic_probabilities = classifier.infer(
                [encoded[row] for row in rows], TOPIC_PROBABILITIES
            )
        inference_ended = perf_counter()
        classifications = classifier.postprocess(
            encoded,
            probabilities,
            top_k=[option.top_k for option in options],
            min_confidence=[option.min_confidence for option in options],
        )
        if topic_probabilities is not None:
            self._add_all_topics(classifications, rows, topic_probabilities)
        if rows := [row for row, option in enumerate(options) if option.subjects]:
            found = classifier.add_subjects(
                probabilities[rows], [classifications[row] for row in rows]
            )
            for row, classification in zip(rows, found, strict=True):
                classifications[row] = classification
        n_texts = max(1, len(items))
        self._metrics.observe_texts(
            encoded,
            classifications,
            encode_seconds=(encode_ended - began) / n_texts,
            inference_seconds=(inference_ended - encode_ended) / n_texts,
        )
        if self._tracer is not None:
            self._tracer.predicted(items, classifications, began, encode_ended, inference_ended)
        return Predictions(classifications, probabilities, topic_probabilities)

    def _add_all_topics(
        self,
        classifications: list[Classification],
        rows: Sequence[int],
        probabilities: NDArray[np.float32],
    ) -> None:
        """Add all topics to the classifications of some texts, in place.

        Parameters
        ----------
        classifications : list of length n_texts
        rows : sequence of length n_rows
        probabilities : float32 array of shape (n_rows, n_topics)
        """
        n_found = np.count_nonzero(probabilities >= self._classifier.all_topics_thresholds)
        if n_found > MAX_RANKED_TOPICS:
            raise TooLargeError(
                f"Expected texts with at most {MAX_RANKED_TOPICS} topics together with all_topics, "
                f"got {n_found}: send fewer texts in a request."
            )
        found = self._classifier.add_all_topics(
            probabilities, [classifications[row] for row in rows]
        )
        for row, classification in zip(rows, found, strict=True):
            classifications[row] = classification

    def _check_explained(self, encoded: Sequence[EncodedText]) -> None:
        max_words = self._limits.max_explained_words
        if sum(text.n_words for text in encoded) > max_words:
            raise TooLargeError(f"Expected at most {max_words} words with explain, title included.")

    def _explain(self, item: BatchItem, *, topic_id: int) -> dict[str, Any]:
        began = perf_counter()
        topic = self._classifier.topics[topic_id]
        words = self._classifier.explain(NewsText(item.text or "", item.title), topic).words
        self._metrics.explain_duration.observe_many([perf_counter() - began])
        if self._tracer is not None:
            self._tracer.explained(began)
        return {"topic": topic.code, "words": [word._asdict() for word in words]}
