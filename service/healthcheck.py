"""The health check of a container: asks the service of this machine whether it is ready."""

from service.process import prepare_process

if __name__ == "__main__":
    prepare_process()

import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

from pydantic import ValidationError

from service.settings import ServiceSettings, describe_errors

TIMEOUT_SECONDS: Final = 2


def main() -> int:
    """Return the exit status: 0 if the service is ready, 1 if it is not or cannot be reached."""
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        print(f"error: {describe_errors(error)}", file=sys.stderr)  # noqa: T201
        return 1
    connection = HTTPConnection(reachable(settings.host), settings.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return int(connection.getresponse().status != 200)
    except (OSError, HTTPException):
        return 1
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Return an address at which a server that listens on ``host`` can be reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


if __name__ == "__main__":
    sys.exit(main())
