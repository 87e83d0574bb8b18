"""Traces of the service in Jaeger: ``--profile tracing``, with an image that has OpenTelemetry."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.compose.images import is_there, public_images
from tests.compose.stack import Stack, docker
from tests.waiting import wait_until

TEXT = {"text": "OPEC ministers agreed to cut crude oil production."}
JAEGER = next(image for image in public_images() if image.startswith("jaegertracing/"))
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
VARIABLES = {
    "SERVICE_REQUIREMENTS": "tracing",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318",
}


@pytest.fixture(scope="module")
def image(stack: Stack) -> Iterator[None]:
    """The image with OpenTelemetry, in place of the one without until the end."""
    stack.compose("build", "service", SERVICE_REQUIREMENTS="tracing")
    yield
    stack.compose("build", "service")


@pytest.mark.usefixtures("image")
def test_the_image_can_export(stack: Stack) -> None:
    program = (
        "from service.observability.tracing.startup import start_tracing; "
        "import os; print(start_tracing(os.environ).sampler.name)"
    )
    endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
    shown = docker("run", "--rm", "--env", endpoint, "newswire-topics", "python", "-c", program)
    assert shown.strip() == "parentbased_always_on"


@pytest.mark.usefixtures("image")
def test_jaeger_has_the_trace() -> None:
    if not is_there(JAEGER):
        pytest.skip("Jaeger's image cannot be had here")
    with Stack("service", "jaeger", profile="tracing", **VARIABLES) as traced:  # type: ignore[arg-type]
        url = f"{traced.url('JAEGER_PORT')}/api/traces/{TRACE_ID}"
        httpx2.post(
            f"{traced.url('NEWSWIRE_PORT')}/classify",
            json=TEXT,
            headers={"traceparent": TRACEPARENT},
        ).raise_for_status()

        def spans() -> list[Any]:
            found = httpx2.get(url)
            return list(found.json()["data"][0]["spans"]) if found.is_success else []

        wait_until(lambda: bool(spans()), "Jaeger has the trace", 60, 0.5)
        names = {span["operationName"] for span in spans()}
    assert names == {"POST /classify", "parse", "encode", "infer"}
