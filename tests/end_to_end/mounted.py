"""The service mounted in another application, under ``/news``."""

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from service.app import create_app
from service.model import load_classifier
from service.settings import ServiceSettings


async def ready(request: Request) -> Response:
    """Readiness, which `RunningService` polls."""
    return Response()


if __name__ == "__main__":
    settings = ServiceSettings()
    classifier = load_classifier(settings.model_dir)
    inner = create_app(settings, classifier, CollectorRegistry())
    outer = Starlette(routes=[Route("/health/ready", ready), Mount("/news", inner)])
    uvicorn.run(outer, port=settings.port, log_level="warning")
