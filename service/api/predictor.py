"""From the body of a request to the body of its answer: parse, encode, infer, rank, write.

No event loop here: `service.api.routes.classify` decides in which thread this runs. What is written
is checked against the schemas by the tests, not again for each answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from service.api.parsing import (
    Limits,
    check_batch_item,
    parse_batch_request,
    parse_classify_request,
)
from service.api.problems import RequestError, TooLargeError, to_problem
from service.api.schemas import BatchItem, ClassifyRequest, RankingOptions
from service.model import Classification, EncodedText, InferenceError, NewsText, TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics


class Ranked(NamedTuple):
    """What was found for the texts of a request."""

    answers: list[Classification]
    """Of length n_texts."""
    probabilities: NDArray[np.float32]
    """Shape (n_texts, n_outputs), or (n_texts, n_topics) from `Answerer.classify_items`."""


class Answerer:
    """Answers requests to classify. Stateless, and safe to use from several threads.

    Parameters
    ----------
    classifier : TopicClassifier
    metrics : ServiceMetrics
    limits : Limits
    health : ServiceHealth
        What is told whether inferences succeed: each request counts once.
    """

    def __init__(
        self,
        classifier: TopicClassifier,
        metrics: ServiceMetrics,
        limits: Limits,
        health: ServiceHealth,
    ) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._limits = limits
        self._health = health
        self._topics = [
            {"topic": topic.code, "name": topic.name, "id": topic.id} for topic in classifier.topics
        ]
        manifest = classifier.manifest
        self._model = {"name": manifest.name, "version": manifest.version}

    def classify(self, body: bytes) -> bytes:
        """Answer a `ClassifyRequest` with a `ClassifyResponse`, both as JSON.

        Raises
        ------
        RequestError
            If the request is not valid.
        InferenceError
            If the network gives something that is not a probability.
        """
        request = parse_classify_request(body, self._limits)
        with self._noted():
            (answer,) = self._answer([request], [request])
            return self._write(answer)

    def classify_each(self, bodies: Sequence[bytes]) -> list[bytes | Exception]:
        """Answer several requests with one inference, each as `classify` does.

        Returns
        -------
        list of bytes or Exception, of length n_bodies
            For each the answer, or what `classify` would have raised: none fails for another.
        """
        outcomes: dict[int, bytes | Exception] = {}
        requests: dict[int, ClassifyRequest] = {}
        for number, body in enumerate(bodies):
            try:
                requests[number] = parse_classify_request(body, self._limits)
            except Exception as error:
                outcomes[number] = error
        valid = list(requests.values())
        try:
            for number, answer in zip(requests, self._answer(valid, valid), strict=True):
                outcomes[number] = self._write(answer)
        except Exception as error:
            if len(bodies) == 1:
                self._note(error)
                return [error]
            return [self.classify_each([body])[0] for body in bodies]
        if valid:
            self._note(None)
        return [outcomes[number] for number in range(len(bodies))]

    def classify_batch(self, body: bytes) -> bytes:
        """Answer a `BatchRequest` with a `BatchResponse`, both as JSON.

        Raises
        ------
        RequestError
            If the request is not valid, or none of its items is: then as the first of them.
        InferenceError
            If the network gives something that is not a probability.
        """
        request = parse_batch_request(body, self._limits)
        items: list[BatchItem] = []
        errors: dict[int, RequestError] = {}
        for index, item in enumerate(request.items):
            try:
                items.append(check_batch_item(item, self._limits, index))
            except RequestError as error:
                errors[index] = error
        if not items:
            raise errors[0]
        with self._noted():
            answers = iter(self._answer(items, [request] * len(items)))
        self._metrics.batch_size.observe(len(request.items))
        return to_json(
            {
                "answers": [
                    to_problem(errors[index]).model_dump(exclude_none=True)
                    if index in errors
                    else next(answers)
                    for index in range(len(request.items))
                ],
                "model": self._model,
            }
        )

    def classify_items(self, items: Sequence[BatchItem], options: RankingOptions) -> Ranked:
        """Classify checked texts of one batch, whose answer is written elsewhere.

        Raises
        ------
        InferenceError
            If the network gives something that is not a probability.
        """
        with self._noted():
            answers, probabilities = self._rank(items, [options] * len(items))
        self._metrics.batch_size.observe(len(items))
        return Ranked(answers, probabilities[:, : len(self._topics)])

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what becomes of a request whose texts are classified inside."""
        try:
            yield
        except Exception as error:
            self._note(error)
            raise
        self._note(None)

    def _note(self, error: Exception | None) -> None:
        if error is None:
            self._health.inference_succeeded()
        elif isinstance(error, InferenceError):
            self._metrics.inference_errors.inc()
            self._health.inference_failed()

    def _answer(
        self, items: Sequence[BatchItem], options: Sequence[RankingOptions]
    ) -> list[dict[str, Any]]:
        if not items:
            return []
        forms = [self._form(answer) for answer in self._rank(items, options).answers]
        self._explain(items, options, forms)
        return forms

    def _rank(self, items: Sequence[BatchItem], options: Sequence[RankingOptions]) -> Ranked:
        """Text to token ids to probabilities to ranking, each stage timed."""
        classifier = self._classifier
        began = perf_counter()
        encoded = [classifier.encoder.encode(item.text or "", item.title) for item in items]
        encode_ended = perf_counter()
        self._check_explained(options, encoded)
        probabilities = classifier.infer(encoded)
        inference_ended = perf_counter()
        answers = [
            classifier.postprocess(
                text, row, top_k=option.top_k, min_confidence=option.min_confidence
            )
            for text, row, option in zip(encoded, probabilities, options, strict=False)
        ]
        for text, answer in zip(encoded, answers, strict=True):
            self._metrics.observe_text(
                text,
                answer,
                encode_seconds=(encode_ended - began) / len(items),
                inference_seconds=(inference_ended - encode_ended) / len(items),
            )
        return Ranked(answers, probabilities)

    def _check_explained(
        self, options: Sequence[RankingOptions], encoded: Sequence[EncodedText]
    ) -> None:
        pairs = zip(options, encoded, strict=True)
        n_words = sum(text.n_words for option, text in pairs if option.explain)
        if n_words > (most := self._limits.max_explained_words):
            raise TooLargeError(f"Expected at most {most} words where an explanation is asked for.")

    def _explain(
        self,
        items: Sequence[BatchItem],
        options: Sequence[RankingOptions],
        forms: Sequence[dict[str, Any]],
    ) -> None:
        """Add explanations to the answers of those who asked for them."""
        for index in (index for index, option in enumerate(options) if option.explain):
            began = perf_counter()
            text = NewsText(items[index].text or "", items[index].title)
            topic = self._classifier.topics[forms[index]["topics"][0]["id"]]
            words = self._classifier.explain(text, topic).words
            forms[index]["explanation"] = {
                "topic": topic.code,
                "words": [word._asdict() for word in words],
            }
            self._metrics.explain_duration.observe_many([perf_counter() - began])

    def _write(self, answer: dict[str, Any]) -> bytes:
        return to_json({**answer, "model": self._model})

    def _form(self, answer: Classification) -> dict[str, Any]:
        """Give the form of an answer that goes over the wire."""
        topics = [{**self._topics[item.topic.id], "score": item.score} for item in answer.topics]
        return {
            "topic": topics[0]["topic"],
            "topics": topics,
            "no_topic": answer.no_topic,
            "known_words": answer.known_words_ratio,
            "abstained": answer.abstained,
            "group": answer.group._asdict() if answer.group else None,
        }
