"""The health check of a container: asks the service of this machine whether it is ready.

It runs every few seconds beside a service that may be busy, so it imports little: reading the
settings with pydantic takes five times the CPU of the rest.
"""

from service.process import prepare_process

if __name__ == "__main__":
    prepare_process()

import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = "8000"
TIMEOUT_SECONDS: Final = 2


def main() -> int:
    """Return the exit status: 0 if the service is ready, 1 if it is not or cannot be reached."""
    variables = {name.upper(): value.strip() for name, value in os.environ.items()}
    host = variables.get("NEWSWIRE_HOST") or DEFAULT_HOST
    port = variables.get("NEWSWIRE_PORT") or DEFAULT_PORT
    try:
        connection = HTTPConnection(reachable(host), int(port), timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/health/ready")
        return int(connection.getresponse().status != 200)
    except (OSError, OverflowError, ValueError, HTTPException):  # an invalid port, too
        return 1


def reachable(host: str) -> str:
    """Return an address at which a server that listens on ``host`` can be reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


if __name__ == "__main__":
    sys.exit(main())
