"""Builds the service's application from its parts."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from service.api.catalogue import catalogue_routes
from service.api.classification import classification_routes
from service.api.errors import add_error_handlers
from service.api.instrumentation import RequestMetricsMiddleware
from service.api.operations import operations_routes
from service.metrics import ServiceMetrics
from service.model import TopicClassifier
from service.settings import ServiceSettings


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
    app = FastAPI(
        title="newswire-topics",
        summary="Which of 46 topics is this news text about?",
        version=classifier.manifest.version,
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
