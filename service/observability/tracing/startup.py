"""Turns traces on if the standard variables say so."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from service.observability.tracing.sdk import Tracing

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that turn traces on. The first that is set counts."""
PROTOCOL: Final = "http/protobuf"


class TracingError(Exception):
    """Traces are turned on, but a package is missing or a variable is wrong."""


def start_tracing(environ: Mapping[str, str]) -> "Tracing | None":
    """Return the traces if the environment turns them on; otherwise None, without an import.

    Raises TracingError if they are on, and the packages are not installed or a variable cannot be
    used.
    """
    if (endpoint := find_endpoint(environ)) is None:
        return None
    try:
        from service.observability.tracing.sdk import Tracing

        check_exporter(environ, endpoint)
        return Tracing(environ)
    except ImportError as error:
        raise TracingError(
            f"{endpoint} is set, and the extra 'tracing' is not installed ({error}): "
            "pip install 'newswire-topics[tracing]', or unset the variable"
        ) from error
    except (RuntimeError, ValueError) as error:  # the SDK reads variables, some at its import
        raise TracingError(f"traces cannot be turned on: {error}") from error


def find_endpoint(environ: Mapping[str, str]) -> str | None:
    """Return the variable that turns traces on; None if none does, or another disables them."""
    if (
        environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    ):
        return None
    return next((name for name in ENDPOINTS if environ.get(name)), None)


def check_exporter(environ: Mapping[str, str], endpoint: str) -> None:
    """Raise TracingError unless the exporter is OTLP over HTTP, and ``endpoint`` has a URL."""
    if not _is_url(environ[endpoint]):
        raise TracingError(f"{endpoint}: expected a URL such as http://localhost:4318")
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
