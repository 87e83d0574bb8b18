"""Ray: the cluster at ``RAY_ADDRESS``, or a local one."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.batch.locations import one_line
from service.rows import CommandError

LOCAL_SETTINGS: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # listen on loopback only
}
QUIET_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
CONNECT_SECONDS: Final = 10
NAMED_ADDRESSES: Final = ("auto", "local")
OBJECT_STORE_BYTES: Final = 256 * 2**20
"""For the model and the list of partitions; rows do not pass through the object store."""


def check_reachable(address: str) -> None:
    """Check that a process listens at an address; Ray itself would wait for minutes.

    Raises
    ------
    CommandError
        If it has no port, or nothing listens there within ``CONNECT_SECONDS``.
    """
    if address in NAMED_ADDRESSES:
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.hostname is None or parts.port is None:
            raise CommandError(
                f"RAY_ADDRESS: expected HOST:PORT or ray://HOST:PORT, got {address!r}"
            )
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise CommandError(
            f"RAY_ADDRESS: expected a Ray cluster at {address!r}, got: {error}; "
            "start it, correct the address, or unset RAY_ADDRESS to run on this machine"
        ) from error


@contextmanager
def connect(n_workers: int | None) -> Iterator[int]:
    """Start Ray, or join the cluster at ``RAY_ADDRESS``, and disconnect at the end.

    The value is the number of workers; by default one per processor of the cluster.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ.update(QUIET_SETTINGS)
    if not address:
        os.environ.update(LOCAL_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray  # reads the environment when it is imported

    if address:
        check_reachable(address)
        import deploy
        import service

        options: dict[str, Any] = {"runtime_env": {"py_modules": [deploy, service]}}
    else:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        options = {
            "address": "local",
            "num_cpus": n_workers or processors,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    try:
        ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray has no narrower one
        raise CommandError(f"Ray did not start: {one_line(error)}") from error
    try:
        yield n_workers or int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
