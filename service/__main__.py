"""Load the newest bundle, build the application, run the server."""

from service.process import prepare_process

if __name__ == "__main__":  # before slow imports, and before files are opened
    prepare_process(ignore_hangup=True)

import logging
import os
import signal
import socket
import sys
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import uvicorn
from prometheus_client import disable_created_metrics
from pydantic import ValidationError
from starlette.types import ASGIApp

from service.app import NewswireApp, create_app
from service.model import BundleError, TopicClassifier
from service.model.compiled_encoder import load_library
from service.model.control_characters import escape_controls
from service.observability.logging import configure_logging
from service.observability.metrics import make_registry
from service.observability.tracing.startup import TracingError, start_tracing
from service.reload.startup import load_newest
from service.reload.watcher import ModelWatcher, freeze_gc
from service.server.draining import DrainingServer
from service.server.http_protocol import timeout_http_protocol
from service.server.listeners import listen
from service.server.metrics_server import metrics_app, metrics_server
from service.settings import PREFIX, ServiceSettings, describe_errors, describe_unknown_variables

if TYPE_CHECKING:
    from service.observability.tracing.sdk import Tracing
    from service.server.grpc_server import GrpcServer

EXIT_MISCONFIGURED = 2
EXIT_NOT_STARTED = 3
NOT_COMPILED = (
    "the encoder in C is missing or out of date for this platform: texts are encoded in Python "
    "(45 % more CPU). In a checkout, run: make compile"
)

logger = logging.getLogger("service")


def main(**overrides: Any) -> int:
    """Serve until a signal stops the process; return the exit status.

    ``overrides`` are settings that override environment variables.
    """
    if unknown := describe_unknown_variables(os.environ):
        _fail(unknown)
    try:
        settings = ServiceSettings(**overrides)
        tracing = start_tracing(os.environ)
        model = load_newest(settings.model_dir)
    except ValidationError as error:
        _fail(describe_errors(error))
    except TracingError as error:
        _fail(str(error))
    except BundleError as error:
        _fail(f"{PREFIX}MODEL_DIR: {error}")
    app = build_app(settings, model.classifier, tracing)
    metrics: AbstractContextManager[None] = nullcontext()
    if settings.metrics_port is not None:
        metrics = metrics_server(
            server_config(metrics_app(app.metrics.registry), settings),
            _listen(
                "METRICS_PORT",
                settings.metrics_host or settings.host,
                settings.metrics_port,
                settings,
            ),
        )
    port = settings.grpc_port
    grpc_server = None if port is None else _grpc_server(app, settings, port)
    listeners = _listen("PORT", settings.host, settings.port, settings)
    # uvicorn finishes the requests in progress, then raises the signal again, for this handler
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _exit)
    server = DrainingServer(
        server_config(app.asgi, settings),
        app.health,
        ModelWatcher(
            app,
            settings.model_dir,
            model.path,
            poll_seconds=settings.model_poll_seconds,
            skipped=model.skipped,
        ),
        drain_seconds=settings.drain_seconds,
        grpc_server=grpc_server,
    )
    configure_logging(settings.log_level, app.metrics.log_lines_dropped.inc)
    manifest = model.classifier.manifest
    logger.info(
        "serving %s %s of %s at http://%s:%d",
        *(manifest.name, manifest.version, settings.model_dir, settings.host, settings.port),
    )
    model.log()
    if load_library() is None:
        logger.warning(NOT_COMPILED)
    with metrics, tracing or nullcontext():
        server.run(listeners)
    return 0 if server.started else EXIT_NOT_STARTED


def build_app(
    settings: ServiceSettings, classifier: TopicClassifier, tracing: "Tracing | None" = None
) -> NewswireApp:
    """Return the application, with metrics of its process."""
    # no dashboard reads the series `_created` of each counter and histogram
    disable_created_metrics()  # type: ignore[no-untyped-call]
    app = create_app(settings, classifier, make_registry(), tracing)
    app.openapi()  # takes 0.1 s, which would block the event loop later
    freeze_gc()
    return app


def server_config(app: ASGIApp, settings: ServiceSettings) -> uvicorn.Config:
    """Return the server's configuration, without the parts that are not used."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=timeout_http_protocol(settings.header_timeout_seconds),
        timeout_keep_alive=settings.keep_alive_seconds,
        lifespan="off",  # the application has none
        log_config=None,  # ours is in service.observability.logging
        access_log=False,  # ours is in service.api.middleware.instrumentation
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        server_header=False,
        proxy_headers=False,  # nothing reads the caller's address
        ws="none",
    )


def _grpc_server(app: NewswireApp, settings: ServiceSettings, port: int) -> "GrpcServer":
    """Return the gRPC server, which opens its port itself; exit if the port is in use."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own log lines are not JSON
    try:
        from service.server.grpc_server import GrpcServer
    except ImportError as error:
        _fail(
            f"{PREFIX}GRPC_PORT is set, and the extra 'grpc' is not installed ({error}): "
            "pip install 'newswire-topics[grpc]', or unset the variable"
        )
    addresses = []
    for listener in _listen("GRPC_PORT", settings.host, port, settings):
        with listener:
            address = listener.getsockname()[0]
        addresses.append(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
    return GrpcServer(app, settings, addresses)


def _listen(setting: str, host: str, port: int, settings: ServiceSettings) -> list[socket.socket]:
    try:
        return listen(host, port, send_timeout_seconds=settings.request_timeout_seconds)
    except (OSError, UnicodeError) as error:  # UnicodeError: not a host name
        reason = getattr(error, "strerror", None) or error
        _fail(f"{PREFIX}{setting}: {host}:{port}: {reason}")


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    """Exit with status 0: a stop is not a failure. Further signals are ignored."""
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    sys.exit(0)


def _fail(reason: str) -> NoReturn:
    print(f"error: {escape_controls(reason)}", file=sys.stderr)  # noqa: T201
    sys.exit(EXIT_MISCONFIGURED)


if __name__ == "__main__":
    sys.exit(main())
