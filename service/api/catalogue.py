"""``GET /topics`` and ``GET /model``: what the service can answer, and with what."""

from dataclasses import asdict

from fastapi import APIRouter

from service.api.openapi import SERVER_ERROR
from service.api.schemas import ModelInfo, TopicInfo, TopicList
from service.model import TopicClassifier


def catalogue_routes(classifier: TopicClassifier) -> APIRouter:
    """Give the routes that describe the model. It does not change, so neither do the answers."""
    router = APIRouter(tags=["Model"], responses=SERVER_ERROR)
    topic_list = TopicList(topics=[TopicInfo.of(topic) for topic in classifier.topics])
    model_info = ModelInfo(**asdict(classifier.manifest))

    @router.get("/topics", summary="Which topics are there?")
    async def topics() -> TopicList:
        """Give every topic with its name, its group and how often it was trained on."""
        return topic_list

    @router.get("/model", summary="Which model answers, and how good is it?")
    async def model() -> ModelInfo:
        """Give the bundle's manifest: how it was made, and what it scored."""
        return model_info

    return router
