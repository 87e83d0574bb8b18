"""FastAPI around a classifier of `tests.benchmarks.classifiers`, as its documentation teaches it.

The endpoint is an ``async def``: "if your application (somehow) doesn't have to communicate with
anything else and wait for it to respond" (https://fastapi.tiangolo.com/async/); it is also faster.
The model is loaded in the lifespan (https://fastapi.tiangolo.com/advanced/events/).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from fastapi import FastAPI
from pydantic import BaseModel


class Classifier(Protocol):
    """Ranks the topics of a text."""

    def ranking(self, text: str) -> list[tuple[str, float]]:
        """Return the three best topics of a text with their scores."""
        ...


class News(BaseModel):
    """A text to classify."""

    text: str


class TopicScore(BaseModel):
    """A topic and its score."""

    topic: str
    score: float


class Prediction(BaseModel):
    """The three best topics of a text."""

    topic: str
    topics: list[TopicScore]


def build_app(load: Callable[[], Classifier]) -> FastAPI:
    """Return an application that loads a classifier before the first request."""
    loaded: list[Classifier] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded.append(load())
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/classify")
    async def classify(news: News) -> Prediction:
        topics = [
            TopicScore(topic=topic, score=score) for topic, score in loaded[0].ranking(news.text)
        ]
        return Prediction(topic=topics[0].topic, topics=topics)

    return app
