"""Builds the service's application from its parts."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from service import __version__
from service.api.catalogue import catalogue_routes
from service.api.classification import classification_routes
from service.api.errors import add_error_handlers, declare_media_type
from service.api.instrumentation import RequestMetricsMiddleware
from service.api.operations import operations_routes
from service.metrics import ServiceMetrics
from service.model import TopicClassifier
from service.settings import ServiceSettings


class NewswireApp(FastAPI):
    """FastAPI, with problems declared as what they are."""

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = declare_media_type(super().openapi())
        return self.openapi_schema


def create_app(
    settings: ServiceSettings, classifier: TopicClassifier, registry: CollectorRegistry
) -> FastAPI:
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
    metrics.describe_bundle(classifier.manifest, classifier.topics)
    app = NewswireApp(
        title="newswire-topics",
        summary=f"Which of {len(classifier.topics)} topics is this news text about?",
        version=__version__,
        redirect_slashes=False,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.add_middleware(RequestMetricsMiddleware, metrics=metrics)
    app.include_router(
        classification_routes(classifier, metrics, max_text_bytes=settings.max_text_bytes)
    )
    app.include_router(catalogue_routes(classifier))
    app.include_router(operations_routes(registry))
    add_error_handlers(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that generated clients read well."""
    return route.name
