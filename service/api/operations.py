"""Health and metrics: what orchestrators and Prometheus ask."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from service.api.openapi import SERVER_ERROR
from service.api.schemas import Health

METRICS_FORMATS: Final = {
    media_type: {"schema": {"type": "string"}}
    for media_type in ("text/plain", "application/openmetrics-text")
}


def operations_routes(registry: CollectorRegistry) -> APIRouter:
    """Give the routes for operators."""
    router = APIRouter(tags=["Operations"], responses=SERVER_ERROR)

    @router.get("/health/live", summary="Is the process alive?")
    async def live() -> Health:
        """Answer as long as the process can answer at all."""
        return Health(status="live")

    @router.get("/health/ready", summary="Can it classify?")
    async def ready() -> Health:
        """Answer once the bundle is verified and proven, which is before the port opens."""
        return Health(status="ready")

    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": METRICS_FORMATS}},
    )
    async def metrics(request: Request) -> Response:
        """Give every metric, in the text format that the Accept header asks for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return router
