"""Builds the service's application from its parts."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.api.middleware.auth import OPEN_PATHS, ApiKeys, KeyGate
from service.api.middleware.cors import PREFLIGHT, PREFLIGHT_STATUSES, CrossOriginMiddleware
from service.api.middleware.fair_queue import TurnsMiddleware
from service.api.middleware.instrumentation import InstrumentationMiddleware, RequestObserver
from service.api.open_inference import open_inference_routes
from service.api.openapi.document import complete_openapi, openapi_routes
from service.api.openapi.statuses import statuses_by_route
from service.api.parsing import Limits
from service.api.problems import add_error_handlers
from service.api.request_body import BodyReader
from service.api.routes.classify import (
    classification_endpoints,
    classification_routes,
)
from service.api.routes.model import catalogue_routes
from service.api.routes.operations import METRICS_PATH, operations_routes
from service.api.routes.ui import FILES, page_paths, page_routes
from service.api.served_model import CurrentModel, ServedModel
from service.api.shortcut import Shortcut
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.scheduling.admission import Admission
from service.scheduling.executor import Workers
from service.scheduling.timeouts import Deadline
from service.settings import ServiceSettings


class NewswireApp(FastAPI):
    """FastAPI, with shortcuts, and with a document that tells what it does by hand.

    Attributes
    ----------
    model : CurrentModel
        What answers.
    metrics : ServiceMetrics
    health : ServiceHealth
        What the health checks say.
    observer : RequestObserver
        Where requests are recorded.
    gate : KeyGate or None
        Who may ask; None if everyone may.
    cross_origin : CrossOriginMiddleware or None
        Which pages of other origins may ask; None if none may.
    shortcuts : mapping of (method, path) to Shortcut
        Requests that do not go through FastAPI.
    """

    model: CurrentModel
    metrics: ServiceMetrics
    health: ServiceHealth
    observer: RequestObserver
    gate: KeyGate | None = None
    cross_origin: CrossOriginMiddleware | None = None
    shortcuts: Mapping[tuple[str, str], Shortcut] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, for pages of other origins too if some are allowed."""
        await (self.cross_origin or self.answer)(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request the short way, if it has one; without a key, if one is needed, no way."""
        if self.gate is not None and scope["type"] == "http" and not self.gate.admits(scope):
            await self.gate.refuse(scope, receive, send)
            return
        shortcut = self.shortcuts.get((scope.get("method", ""), scope.get("path", "")))
        if shortcut is None:
            await super().__call__(scope, receive, send)
        else:
            await shortcut(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Put what names and counts requests around all, also around what answers bugs."""
        app = TurnsMiddleware(super().build_middleware_stack())
        return InstrumentationMiddleware(app, self.observer)

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document."""
        if self.openapi_schema is None:
            gate, limits = self.gate, self.model.served.limits
            needs_key = None if gate is None else lambda *asked: not gate.is_open(*asked)
            self.openapi_schema = complete_openapi(super().openapi(), limits, needs_key)
        return self.openapi_schema

    def prepare(self, classifier: TopicClassifier) -> ServedModel:
        """Build aside what is to replace the model, in any thread."""
        return ServedModel.of(classifier, self.metrics, self.model.served.limits, self.health)

    def adopt(self, served: ServedModel) -> None:
        """Answer with another model from now on; what is in progress ends with its own."""
        if len(served.classifier.topics) != len(self.model.served.classifier.topics):
            self.openapi_schema = None  # built again when it is asked for
        self.model.served = served
        self.metrics.set_model(served.classifier)


def create_app(
    settings: ServiceSettings, classifier: TopicClassifier, registry: CollectorRegistry
) -> NewswireApp:
    """Build the application.

    Parameters
    ----------
    settings : ServiceSettings
    classifier : TopicClassifier
        Loaded and proven, so the application is ready as soon as it is served.
    registry : CollectorRegistry
        Where the metrics are declared, and what ``GET /metrics`` shows, if it is not elsewhere.
    """
    metrics = ServiceMetrics(registry)
    metrics.set_model(classifier)
    app = NewswireApp(
        title="newswire-topics",
        version=__version__,
        license_info={"name": "MIT", "identifier": "MIT"},
        redirect_slashes=False,
        openapi_url=None,  # it is among the routes
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.observer = observer = RequestObserver(metrics, access_log=settings.access_log)
    limits = Limits(
        max_text_bytes=settings.max_text_bytes,
        max_text_words=settings.max_text_words,
        max_batch_size=settings.max_batch_size,
        max_explained_words=settings.max_explained_words,
        max_top_k=len(classifier.topics),
    )
    app.metrics = metrics
    app.health = ServiceHealth()
    app.model = CurrentModel(ServedModel.of(classifier, metrics, limits, app.health))
    admission = Admission(
        max_concurrent_requests=settings.max_concurrent_requests,
        max_buffered_bytes=settings.max_buffered_bytes,
    )
    metrics.requests_in_progress.set_function(lambda: admission.slots.in_progress)
    deadline = Deadline(settings.request_timeout_seconds)
    reader = BodyReader(limits, admission, deadline)
    workers = Workers(admission, deadline)
    endpoints = classification_endpoints(app.model, workers, reader, admission)
    app.shortcuts = {
        ("POST", route): Shortcut(route, endpoint, observer)
        for route, endpoint in endpoints.items()
    }
    shown = registry if settings.metrics_port is None else None
    routers = (
        classification_routes(endpoints),
        open_inference_routes(app.model.tensors, workers, reader, app.health),
        catalogue_routes(app.model),
        operations_routes(shown, app.health),
        openapi_routes(app.openapi),
        page_routes(max_explained_words=limits.max_explained_words),
    )
    for router in routers:
        app.include_router(router)
    add_error_handlers(app)
    routes = [route for router in routers for route in router.routes]
    pages = page_paths() | {FILES}
    metrics.initialize_request_counts(
        statuses_by_route(routes, pages=pages, has_keys=bool(settings.api_keys))
    )
    if settings.cors_origins:
        app.cross_origin = CrossOriginMiddleware(app.answer, settings.cors_origins, observer)
        metrics.initialize_request_counts({PREFLIGHT: PREFLIGHT_STATUSES})
    if settings.api_keys:
        app.gate = _make_gate(settings, routes, observer)
    return app


def _make_gate(
    settings: ServiceSettings, routes: Iterable[BaseRoute], observer: RequestObserver
) -> KeyGate:
    """Give what lets in who has a key. The metrics may be open, as the pages are."""
    open_paths = OPEN_PATHS | page_paths()
    if not settings.metrics_require_key:
        open_paths |= {METRICS_PATH}
    return KeyGate(
        ApiKeys(key.get_secret_value() for key in settings.api_keys),
        open_paths=open_paths,
        templates=[route.path for route in routes if isinstance(route, Route)],
        observer=observer,
    )


def _operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that generated clients read well."""
    return route.name
