"""Load the bundle, prove it, start the server."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import uvicorn
from prometheus_client import disable_created_metrics
from pydantic import ValidationError

from service.app import create_app
from service.metrics import make_registry
from service.model import BundleError, TopicClassifier
from service.settings import ServiceSettings, describe_errors

EXIT_MISCONFIGURED = 2


def main() -> int:
    """Serve until told to stop; give the exit status."""
    try:
        settings = ServiceSettings()
        classifier = TopicClassifier.load(settings.model_dir)
    except ValidationError as error:
        return _refuse(describe_errors(error))
    except BundleError as error:
        return _refuse(str(error))
    # a second series beside each counter and histogram, which no dashboard reads
    disable_created_metrics()  # type: ignore[no-untyped-call]
    # uvicorn finishes the requests in progress, then raises the signal again, for this handler
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _exit)
    uvicorn.run(
        create_app(settings, classifier, make_registry()),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=settings.access_log,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        server_header=False,
    )
    return 0


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    """End with status 0: being told to stop is no failure."""
    sys.exit(0)


def _refuse(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201
    return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
