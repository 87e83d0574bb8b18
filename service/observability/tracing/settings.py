"""The standard variables that turn traces on, and what they must not be."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that turn traces on. The first that is set counts."""
PROTOCOL: Final = "http/protobuf"


class TracingError(Exception):
    """Traces are turned on, and cannot be had: what is missing, or which variable is wrong."""


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether an endpoint is set, and nothing disables traces."""
    return (
        any(environ.get(name) for name in ENDPOINTS)
        and environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
        and environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() != "none"
    )


def set_endpoint(environ: Mapping[str, str]) -> str:
    """Return the variable that has the endpoint, where traces are on."""
    return next(name for name in ENDPOINTS if environ.get(name))


def check_exporter(environ: Mapping[str, str]) -> None:
    """Raise TracingError unless the exporter is OTLP over HTTP, and the endpoint a URL."""
    name = set_endpoint(environ)
    if not _is_url(environ[name]):
        raise TracingError(f"{name}: expected a URL such as http://localhost:4318")
    for variable, expected in (
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", PROTOCOL),
    ):
        if (value := environ.get(variable) or expected) != expected:
            raise TracingError(f"{variable}: expected {expected}, got {value!r}")


def _is_url(text: str) -> bool:
    """Whether a text is the address of an HTTP server."""
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a bracket that is not closed, or a port above 65,535
        return False
