"""The cost of FastAPI alone: our request and response models around a constant response."""

import sys

from fastapi import FastAPI

from service.api.schemas import ClassifyRequest, ClassifyResponse, ModelVersion, TopicScore
from tests.benchmarks.servers.serving import serve

app = FastAPI()


@app.post("/classify")
async def classify(request: ClassifyRequest) -> ClassifyResponse:
    """Answer a constant, made anew as a real answer is."""
    return ClassifyResponse(
        topic="crude",
        topics=[
            TopicScore(topic="crude", name="Crude oil", id=16, score=0.9834123),
            TopicScore(topic="acq", name="Acquisitions", id=4, score=0.0083123),
            TopicScore(topic="ship", name="Shipping", id=13, score=0.0034123),
        ],
        no_topic=None,
        known_words=0.98,
        abstained=None,
        group=None,
        model=ModelVersion(name="reuters", version="7"),
    )


if __name__ == "__main__":
    serve(app, int(sys.argv[1]))
