"""Builds the ASGI application of the service from its parts."""

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.api.fast_router import FastRoute, FastRouter
from service.api.limits import RequestLimits
from service.api.middleware.auth import ApiKeyMiddleware
from service.api.middleware.cors import PREFLIGHT, PREFLIGHT_STATUSES, CrossOriginMiddleware
from service.api.middleware.instrumentation import InstrumentationMiddleware
from service.api.middleware.pacing import PacingMiddleware
from service.api.middleware.tracing import TracingMiddleware
from service.api.openapi.document import OPENAPI_PATH, complete_openapi, openapi_routes
from service.api.problems import add_error_handlers
from service.api.request_body import BodyReader
from service.api.routes.classify import (
    CLASSIFY,
    CLASSIFY_BATCH,
    ClassifyEndpoints,
    classify_routes,
)
from service.api.routes.declarations import statuses_by_route
from service.api.routes.model import catalogue_routes
from service.api.routes.open_inference import open_inference_routes
from service.api.routes.operations import (
    HEALTH_PATHS,
    METRICS_PATH,
    fast_health_route,
    operations_routes,
)
from service.api.routes.predict import predict_routes
from service.api.routes.ui import FILES, page_paths, page_routes
from service.api.served_model import ModelHandle, ServedModel
from service.api.traced import TracedExecutor
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.scheduling.admission import Admission
from service.scheduling.executor import InferenceExecutor
from service.scheduling.timeouts import Timeout
from service.settings import ServiceSettings

if TYPE_CHECKING:
    from service.observability.tracing.sdk import Tracing

NO_TELEMETRY: Final[TelemetryConfig] = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
}
"""FastAPI's telemetry would trace health checks and export error messages, which quote texts."""


class NewswireApp:
    """The ASGI application, with the parts that reloads and the servers need.

    ``api`` are the routes without middleware; ``asgi`` is the same as this application, with one
    call less. ``admission``, ``executor`` and ``auth`` are for the gRPC port, which shares them.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        classifier: TopicClassifier,
        registry: CollectorRegistry,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._is_traced = tracing is not None
        self.metrics = metrics = ServiceMetrics(registry)
        self.health = ServiceHealth()
        self._limits = limits = RequestLimits(
            max_text_bytes=settings.max_text_bytes,
            max_text_words=settings.max_text_words,
            max_batch_size=settings.max_batch_size,
            max_explained_words=settings.max_explained_words,
            max_top_k=len(classifier.topics),
        )
        self.admission = admission = Admission(
            max_concurrent_requests=settings.max_concurrent_requests,
            max_buffered_bytes=settings.max_buffered_bytes,
        )
        metrics.requests_in_progress.set_function(lambda: admission.limit.in_progress)
        metrics.set_model(classifier)
        self.model = ModelHandle(self.prepare(classifier))

        timeout = Timeout(settings.request_timeout_seconds)
        reader = BodyReader(limits, admission, timeout)
        executor = (TracedExecutor if tracing else InferenceExecutor)(admission, timeout)
        self.executor = executor
        endpoints = ClassifyEndpoints(self.model, reader, admission, executor)
        routers = (
            classify_routes(endpoints),
            open_inference_routes(self.model, reader, admission.slow_limit, executor, self.health),
            predict_routes(self.model, reader, admission.slow_limit, executor),
            catalogue_routes(self.model),
            operations_routes(None if settings.metrics_port else registry, self.health),
            openapi_routes(self.openapi),
            page_routes(self.model),
        )
        self.api = _build_api(routers)
        self._openapi: dict[str, Any] | None = None
        self.auth: ApiKeyMiddleware | None = None
        routes = [route for router in routers for route in router.routes]

        fast_routes = (
            FastRoute("POST", CLASSIFY, endpoints.classify),
            FastRoute("POST", CLASSIFY_BATCH, endpoints.classify_batch),
            *(
                fast_health_route(route)
                for route in routes
                if isinstance(route, APIRoute) and route.path in HEALTH_PATHS
            ),
        )
        self.asgi = self._add_middleware(settings, fast_routes, routes, tracing)
        metrics.initialize_request_counts(
            statuses_by_route(
                routes,
                pages=page_paths() | {FILES},
                fast={route.path for route in fast_routes},
                has_keys=bool(settings.api_keys),
            )
        )

    def _add_middleware(
        self,
        settings: ServiceSettings,
        fast_routes: Sequence[FastRoute],
        routes: Sequence[BaseRoute],
        tracing: "Tracing | None",
    ) -> ASGIApp:
        """Return the fast routes and FastAPI with their middleware, built from the inside out."""
        labels = [route for route in routes if isinstance(route, Route)]
        app: ASGIApp = FastRouter(fast_routes, PacingMiddleware(self.api, labels))
        if settings.api_keys:
            open_paths = HEALTH_PATHS | {OPENAPI_PATH} | page_paths()
            app = self.auth = ApiKeyMiddleware(
                app,
                (key.get_secret_value() for key in settings.api_keys),
                open_paths=open_paths
                if settings.metrics_require_key
                else open_paths | {METRICS_PATH},
                routes=labels,
            )
        if settings.cors_origins:
            app = CrossOriginMiddleware(app, settings.cors_origins)
            self.metrics.initialize_request_counts({PREFLIGHT: PREFLIGHT_STATUSES})
        if tracing is not None:
            classifying = (
                r.path for r in routes if isinstance(r, APIRoute) and "POST" in (r.methods or ())
            )
            app = TracingMiddleware(app, tracing, frozenset(classifying))
        return InstrumentationMiddleware(app, self.metrics, access_log=settings.access_log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request."""
        await self.asgi(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self._openapi is None:
            auth = self.auth
            needs_key = None if auth is None else lambda *route: not auth.is_open(*route)
            served = self.model.served
            document = deepcopy(self.api.openapi())  # FastAPI builds it once, in 0.1 s
            self._openapi = complete_openapi(document, served.classifier, served.limits, needs_key)
        return self._openapi

    def prepare(self, classifier: TopicClassifier) -> ServedModel:
        """Build a replacement of the served model, in any thread."""
        return ServedModel(
            *(classifier, self.metrics, self._limits, self.health, self.admission.limit),
            is_traced=self._is_traced,
        )

    def adopt(self, served: ServedModel) -> None:
        """Serve another model; requests in progress finish with the one that they began with."""
        self.model.served = served
        self._openapi = None  # completed again when it is requested
        self.metrics.set_model(served.classifier)


def create_app(
    settings: ServiceSettings,
    classifier: TopicClassifier,
    registry: CollectorRegistry,
    tracing: "Tracing | None" = None,
) -> NewswireApp:
    """Build the application: ready as soon as it is served, since the classifier is verified.

    The metrics are declared in the registry; ``GET /metrics`` shows it unless it has another port.
    """
    return NewswireApp(settings, classifier, registry, tracing)


def _build_api(routers: Any) -> FastAPI:
    api = FastAPI(
        title="newswire-topics",
        version=__version__,
        license_info={"name": "MIT", "identifier": "MIT"},
        redirect_slashes=False,
        openapi_url=None,  # it is among the routes
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        telemetry=NO_TELEMETRY,
    )
    for router in routers:
        api.include_router(router)
    add_error_handlers(api)
    return api


def _operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that generated clients read well."""
    return route.name
