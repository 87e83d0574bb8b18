"""The application with default settings and the newest released bundle."""

from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry

from service.app import NewswireApp, create_app
from service.model import TopicClassifier, load_classifier
from service.settings import ServiceSettings
from tests.conftest import RELEASED


@cache
def classifier() -> TopicClassifier:
    """Return the newest released model."""
    return load_classifier(RELEASED)


@cache
def app() -> NewswireApp:
    """Return the application; variables of the environment have no effect."""
    return create_app(ServiceSettings.model_construct(), classifier(), CollectorRegistry())


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return app().openapi()
