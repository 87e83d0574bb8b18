"""Health checks for orchestrators, and metrics for Prometheus."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope

from service.api.fast_router import FastRoute
from service.api.problems import UNAVAILABLE
from service.api.routes.declarations import QUEUED, SERVER_ERROR
from service.api.schemas import Health
from service.observability.health import ServiceHealth

METRICS_PATH: Final = "/metrics"
HEALTH_PATHS: Final = frozenset(
    {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"}
)
NOT_LIVE: Final[dict[int | str, dict[str, Any]]] = {
    UNAVAILABLE: {"model": Health, "description": "Inference fails repeatedly: restart it"}
}
NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    UNAVAILABLE: {"model": Health, "description": "The service is draining, or inference fails"}
}
METRICS_FORMATS: Final = {
    media_type: {"schema": {"type": "string"}}
    for media_type in ("text/plain", "application/openmetrics-text")
}


def operations_routes(registry: CollectorRegistry | None, health: ServiceHealth) -> APIRouter:
    """Return the routes for operators; ``/metrics`` is one only with a registry."""
    router = APIRouter(tags=["Operations"], responses=SERVER_ERROR)

    @router.get("/health/live", summary="Is the process alive?", responses=NOT_LIVE)
    async def live(response: Response) -> Health:
        """Respond with 200 unless inference fails repeatedly."""
        if health.live:
            return Health(status="live")
        response.status_code = UNAVAILABLE
        return Health(status="failing")

    @router.get("/health/ready", summary="Is the service ready?", responses=NOT_READY)
    async def ready(response: Response) -> Health:
        """Respond with 200 until the service drains, or inference fails repeatedly."""
        if health.ready:
            return Health(status="ready")
        response.status_code = UNAVAILABLE
        return Health(status="stopping" if health.live else "failing")

    if registry is not None:
        router.get(
            METRICS_PATH,
            summary="Metrics for Prometheus",
            response_class=Response,
            responses={200: {"content": METRICS_FORMATS}, **QUEUED},
        )(metrics_endpoint(registry))
    return router


def fast_health_route(route: APIRoute) -> FastRoute:
    """Return a health check as a fast route, so that it does not wait for other requests.

    The only parameter of its endpoint is the response.
    """

    async def respond(scope: Scope, receive: Receive) -> tuple[int, bytes]:
        response = Response()
        health = await route.endpoint(response)
        return response.status_code, health.model_dump_json().encode()

    return FastRoute("GET", route.path, respond)


def metrics_endpoint(registry: CollectorRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the metrics."""

    async def metrics(request: Request) -> Response:
        """Return every metric, in the text format that the Accept header requests."""
        try:
            encode, content_type = choose_encoder(request.headers.get("accept", ""))
        except TypeError:  # a version that is not a number, such as "1.0.0" in quotes
            encode, content_type = choose_encoder("")
        return Response(encode(registry), headers={"content-type": content_type})

    return metrics
