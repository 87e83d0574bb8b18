"""Builds the service's application from its parts."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from service import __version__
from service.api.body import Limits
from service.api.catalogue import catalogue_routes
from service.api.classification import (
    classification_endpoints,
    classification_routes,
    classify_workers,
)
from service.api.current import CurrentModel, ServedModel
from service.api.errors import add_error_handlers
from service.api.instrumentation import InstrumentationMiddleware, RequestObserver
from service.api.open_inference import open_inference_routes
from service.api.openapi import complete_openapi
from service.api.operations import operations_routes
from service.api.pages import page_routes
from service.api.shortcut import Shortcut
from service.draining import Readiness
from service.metrics import ServiceMetrics
from service.model import TopicClassifier
from service.settings import ServiceSettings


class NewswireApp(FastAPI):
    """FastAPI, with shortcuts, and with a document that tells what it does by hand.

    Attributes
    ----------
    model : CurrentModel
        What answers.
    metrics : ServiceMetrics
    readiness : Readiness
        What the health check says.
    shortcuts : mapping of (method, path) to Shortcut
        Requests that do not go through FastAPI.
    """

    model: CurrentModel
    metrics: ServiceMetrics
    readiness: Readiness
    shortcuts: Mapping[tuple[str, str], Shortcut] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request the short way, if it has one."""
        shortcut = self.shortcuts.get((scope.get("method", ""), scope.get("path", "")))
        if shortcut is None:
            await super().__call__(scope, receive, send)
        else:
            await shortcut(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = complete_openapi(super().openapi(), self.model.served.limits)
        return self.openapi_schema

    def prepare(self, classifier: TopicClassifier) -> ServedModel:
        """Build aside what is to replace the model, in any thread."""
        return ServedModel.of(classifier, self.metrics, self.model.served.limits)

    def adopt(self, served: ServedModel) -> None:
        """Answer with another model from now on; what is in progress ends with its own."""
        if len(served.classifier.topics) != len(self.model.served.classifier.topics):
            self.openapi_schema = None  # built again when it is asked for
        self.model.served = served
        self.metrics.describe_bundle(served.classifier)


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
        Where the metrics are declared, and what ``GET /metrics`` shows.
    """
    metrics = ServiceMetrics(registry)
    metrics.describe_bundle(classifier)
    app = NewswireApp(
        title="newswire-topics",
        version=__version__,
        license_info={"name": "MIT", "identifier": "MIT"},
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    observer = RequestObserver(metrics, access_log=settings.access_log)
    app.add_middleware(InstrumentationMiddleware, observer=observer)
    limits = Limits(
        max_text_bytes=settings.max_text_bytes,
        max_batch_items=settings.max_batch_items,
        max_explained_words=settings.max_explained_words,
        max_top_k=len(classifier.topics),
    )
    app.metrics = metrics
    app.model = CurrentModel(ServedModel.of(classifier, metrics, limits))
    app.readiness = Readiness()
    workers = classify_workers()
    endpoints = classification_endpoints(app.model, workers, limits)
    app.include_router(classification_routes(endpoints))
    app.shortcuts = {
        ("POST", route): Shortcut(route, endpoint, observer)
        for route, endpoint in endpoints.items()
    }
    app.include_router(open_inference_routes(app.model.tensors, workers, limits, app.readiness))
    app.include_router(catalogue_routes(app.model))
    app.include_router(operations_routes(registry, app.readiness))
    app.include_router(page_routes())
    add_error_handlers(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that generated clients read well."""
    return route.name
