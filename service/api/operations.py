"""Health and metrics: what orchestrators and Prometheus ask."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from service.api.openapi import SERVER_ERROR
from service.api.schemas import Health
from service.draining import Readiness

NOT_READY_STATUS: Final = 503
NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    NOT_READY_STATUS: {"model": Health, "description": "It was told to stop"}
}
METRICS_FORMATS: Final = {
    media_type: {"schema": {"type": "string"}}
    for media_type in ("text/plain", "application/openmetrics-text")
}


def operations_routes(registry: CollectorRegistry, readiness: Readiness) -> APIRouter:
    """Give the routes for operators."""
    router = APIRouter(tags=["Operations"], responses=SERVER_ERROR)

    @router.get("/health/live", summary="Is the process alive?")
    async def live() -> Health:
        """Answer as long as the process can answer at all."""
        return Health(status="live")

    @router.get("/health/ready", summary="Does it want requests?", responses=NOT_READY)
    async def ready(response: Response) -> Health:
        """Answer 200 from the moment the port opens, until told to stop."""
        if readiness.ready:
            return Health(status="ready")
        response.status_code = NOT_READY_STATUS
        return Health(status="stopping")

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
