"""Turns validated requests into responses: encode, infer, rank, serialise.

Nothing here uses the event loop: `service.api.routes.classify` chooses the thread.
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
text with all words of a vocabulary reaches it only with hundreds of topics."""


class Prediction(NamedTuple):
    """The prediction for a text, with its probabilities."""

    classification: Classification
    probabilities: NDArray[np.float32]
    """Shape (n_topics,)."""
    topic_probabilities: NDArray[np.float32] | None
    """Each topic's own probability, shape (n_topics,); None without the option ``all_topics``."""


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

    def predict_batch(
        self, items: Sequence[BatchItem], options: RankingOptions
    ) -> list[Prediction]:
        """Predict checked texts, without explanations.

        Raises
        ------
        TooLargeError
            If a text has too many distinct tokens, or the texts have more than
            ``MAX_RANKED_TOPICS`` in their ``all_topics``.
        InferenceError
            If the network returns something that is not a probability.
        """
        with self._track_health():
            classifications, probabilities, own = self._predict(items, [options] * len(items))
        self._metrics.batch_size.observe(len(items))
        of_topics = probabilities[:, : len(self._classifier.topics)]
        return [
            Prediction(classification, of_topics[row], own.get(row))
            for row, classification in enumerate(classifications)
        ]

    def respond(self, request: ClassifyRequest) -> bytes:
        """Return the `ClassifyResponse` of a request, as JSON.

        Raises as `predict_batch`, and TooLargeError for an explanation of too many words.
        """
        (result,) = self._results([request], [request])
        return to_json(result | self._model)

    def respond_each(self, requests: Sequence[ClassifyRequest]) -> list[bytes | Exception]:
        """Return the response of each request, as `respond`, with one inference.

        Explanations are left out. A request that fails gets its own error, and no other does.

        All responses are serialised before any is sent: they then reach the clients in one burst,
        which costs fewer wake-ups of other processes than one response at a time.
        """
        try:
            classifications, _, _ = self._predict(requests, requests)
        except Exception as error:
            if len(requests) > 1:
                return [self.respond_each([request])[0] for request in requests]
            self._record_error(error)
            return [error]
        self._health.consecutive_errors = 0
        return [to_json(each.to_json_object() | self._model) for each in classifications]

    def respond_to_batch(
        self,
        options: RankingOptions,
        items: Sequence[BatchItem],
        errors: Mapping[int, RequestError],
    ) -> bytes:
        """Return the `BatchResponse` of the valid items of a batch, and the errors of the others.

        Raises as `respond`.
        """
        answers = self._results(items, [options] * len(items))
        for index, error in sorted(errors.items()):
            answers.insert(index, to_problem(error).model_dump(exclude_none=True))
        self._metrics.batch_size.observe(len(answers))
        return to_json({"answers": answers} | self._model)

    @contextmanager
    def _track_health(self) -> Iterator[None]:
        """Record whether the inferences inside succeed."""
        try:
            yield
        except Exception as error:
            self._record_error(error)
            raise
        self._health.consecutive_errors = 0

    def _record_error(self, error: Exception) -> None:
        if isinstance(error, InferenceError):
            self._metrics.inference_errors.inc()
            self._health.inference_failed()

    def _results(
        self, items: Sequence[BatchItem], options: Sequence[RankingOptions]
    ) -> list[dict[str, Any]]:
        """Return the result of each item, with an explanation where one is requested."""
        with self._track_health():
            classifications, _, _ = self._predict(items, options)
            results = [each.to_json_object() for each in classifications]
            for item, option, result in zip(items, options, results, strict=True):
                if option.explain:
                    result["explanation"] = self._explain(item, topic_id=result["topics"][0]["id"])
        return results

    def _predict(
        self, items: Sequence[BatchItem], options: Sequence[RankingOptions]
    ) -> tuple[list[Classification], NDArray[np.float32], Mapping[int, NDArray[np.float32]]]:
        """Text to token ids to probabilities to ranking; each stage is timed.

        Return the classifications; the probabilities, of shape (n_texts, n_outputs); and each
        topic's own, of shape (n_topics,), by the row of a text with the option ``all_topics``.
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
        if options[0].explain:  # the same for all items of a request
            self._check_explained(encoded)
        probabilities = classifier.infer(encoded)
        topic_probabilities: Mapping[int, NDArray[np.float32]] = {}
        if rows := [row for row, option in enumerate(options) if option.all_topics]:
            topic_probabilities = self._infer_topics(encoded, rows)
        inference_ended = perf_counter()
        classifications = classifier.postprocess(
            encoded,
            probabilities,
            top_k=[option.top_k for option in options],
            min_confidence=[option.min_confidence for option in options],
        )
        for row, own in topic_probabilities.items():
            (classifications[row],) = classifier.add_all_topics(
                own[np.newaxis], [classifications[row]]
            )
        for row, option in enumerate(options):
            if option.subjects:
                (classifications[row],) = classifier.add_subjects(
                    probabilities[[row]], [classifications[row]]
                )
        n_texts = len(items)
        self._metrics.observe_texts(
            encoded,
            classifications,
            encode_seconds=(encode_ended - began) / n_texts,
            inference_seconds=(inference_ended - encode_ended) / n_texts,
        )
        if self._tracer is not None:
            self._tracer.predicted(items, classifications, began, encode_ended, inference_ended)
        return classifications, probabilities, topic_probabilities

    def _infer_topics(
        self, encoded: Sequence[EncodedText], rows: Sequence[int]
    ) -> dict[int, NDArray[np.float32]]:
        """Return each topic's own probability, of shape (n_topics,), by the row of a text.

        The network runs again for texts with the option ``all_topics``, and only for these.
        """
        probabilities = self._classifier.infer([encoded[row] for row in rows], TOPIC_PROBABILITIES)
        n_found = np.count_nonzero(probabilities >= self._classifier.all_topics_thresholds)
        if n_found > MAX_RANKED_TOPICS:
            raise TooLargeError(
                f"Expected texts with at most {MAX_RANKED_TOPICS} topics together with all_topics, "
                f"got {n_found}: send fewer texts in a request."
            )
        return dict(zip(rows, probabilities, strict=True))

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
