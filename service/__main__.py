"""Load the bundle, prove it, start the server."""

import logging
import logging.config
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from prometheus_client import disable_created_metrics, start_http_server
from pydantic import ValidationError
from starlette.types import ASGIApp

from service.app import NewswireApp, create_app
from service.draining import DrainingServer
from service.logs import logging_config
from service.metrics import make_registry
from service.model import BundleError, TopicClassifier, find_bundle
from service.protocol import limited_protocol
from service.reloading import Reloader, settle, warn_of_no_thresholds
from service.settings import PREFIX, ServiceSettings, describe_errors
from service.trial import Trial

EXIT_MISCONFIGURED = 2
EXIT_NOT_STARTED = 3

logger = logging.getLogger("service")


def main(**overrides: Any) -> int:
    """Serve until told to stop; give the exit status.

    Parameters
    ----------
    overrides : of any type
        Settings that take the place of environment variables.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server listens to it
    try:
        settings = ServiceSettings(**overrides)
        path = find_bundle(settings.model_dir)
        classifier = TopicClassifier.load(path, fingerprint=Trial.fork(path).verdict())
    except ValidationError as error:
        return _refuse(describe_errors(error))
    except BundleError as error:
        return _refuse(f"{PREFIX}MODEL_DIR: {error}")
    app = build_app(settings, classifier)
    try:
        serve_metrics(app, settings)
    except OSError as error:
        address = f"{metrics_host(settings)}:{settings.metrics_port}"
        return _refuse(f"{PREFIX}METRICS_PORT: {address}: {error.strerror}", EXIT_NOT_STARTED)
    # uvicorn finishes the requests in progress, then raises the signal again, for this handler
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _exit)
    config = server_config(app, settings)
    manifest = classifier.manifest
    count_dropped = app.metrics.log_lines_dropped.inc
    logging.config.dictConfig(logging_config(settings.log_level, count_dropped))
    logger.info("Serving %s %s of %s", manifest.name, manifest.version, settings.model_dir)
    warn_of_no_thresholds(manifest)
    reloader = Reloader(app, settings.model_dir, path, seconds=settings.reload_seconds)
    server = DrainingServer(
        config,
        app.health,
        reloader,
        drain_seconds=settings.drain_seconds,
        unread_seconds=settings.request_timeout_seconds,
    )
    server.run()
    return 0 if server.started else EXIT_NOT_STARTED


def build_app(settings: ServiceSettings, classifier: TopicClassifier) -> NewswireApp:
    """Give the application, with metrics of its process."""
    # a second series beside each counter and histogram, which no dashboard reads
    disable_created_metrics()  # type: ignore[no-untyped-call]
    app = create_app(settings, classifier, make_registry())
    settle()
    return app


def serve_metrics(app: NewswireApp, settings: ServiceSettings) -> None:
    """Serve the metrics at an address of their own, if they have one, as long as the process lives.

    Raises
    ------
    OSError
        If the address cannot be had.
    """
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, metrics_host(settings), app.metrics.registry)


def metrics_host(settings: ServiceSettings) -> str:
    """Give the address of the metrics' own port."""
    return settings.metrics_host or settings.host


def server_config(app: ASGIApp, settings: ServiceSettings) -> uvicorn.Config:
    """Give the server's configuration: what is not used costs nothing."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=limited_protocol(settings.header_timeout_seconds),
        timeout_keep_alive=settings.keep_alive_seconds,
        log_config=None,  # ours is in service.logs
        access_log=False,  # ours is in service.api.instrumentation
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        server_header=False,
        proxy_headers=False,  # nothing reads the caller's address
        ws="none",
    )


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    """End with status 0: being told to stop is no failure."""
    sys.exit(0)


def _refuse(reason: str, status: int = EXIT_MISCONFIGURED) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
