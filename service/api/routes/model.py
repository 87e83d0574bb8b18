"""``GET /topics`` and ``GET /model``: what the service can answer, and with what."""

from fastapi import APIRouter

from service.api.openapi.document import SERVER_ERROR
from service.api.schemas import ModelInfo, TopicList
from service.api.served_model import ModelHandle


def catalogue_routes(current: ModelHandle) -> APIRouter:
    """Give the routes that describe the model."""
    router = APIRouter(tags=["Model"], responses=SERVER_ERROR)

    @router.get("/topics", summary="Which topics are there?")
    async def topics() -> TopicList:
        """Give every topic with its name, its group and how often it was trained on."""
        return current.served.topics

    @router.get("/model", summary="Which model answers, and how good is it?")
    async def model() -> ModelInfo:
        """Give the bundle's manifest: how it was made, and what it scored."""
        return current.served.info

    return router
