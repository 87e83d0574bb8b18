"""``GET /topics`` and ``GET /model``: the topics of the model, and its manifest."""

from fastapi import APIRouter

from service.api.routes.declarations import QUEUED
from service.api.schemas import ModelInfo, TopicList
from service.api.served_model import ModelHandle


def catalogue_routes(handle: ModelHandle) -> APIRouter:
    """Return the routes that describe the model."""
    router = APIRouter(tags=["Model"], responses=QUEUED)

    @router.get("/topics", summary="Which topics are there?")
    async def topics() -> TopicList:
        """Return every topic with its name, its group and the number of its training texts."""
        return handle.served.topics

    @router.get("/model", summary="Which model is served, and how good is it?")
    async def model() -> ModelInfo:
        """Return the bundle's manifest: how it was trained, and its scores."""
        return handle.served.info

    return router
