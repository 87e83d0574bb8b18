"""Ray: a cluster to be found by ``RAY_ADDRESS``, or else one of this machine alone."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.batch.errors import BatchError

LOCAL_SETTINGS: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # what listens, listens on loopback only
}
QUIET_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
CONNECT_SECONDS: Final = 10
NAMED_ADDRESSES: Final = ("auto", "local")
OBJECT_STORE_BYTES: Final = 256 * 2**20
"""Only the model and what is to be done pass through it; rows never do."""


def has_cluster() -> bool:
    """Say whether a cluster is named."""
    return bool(os.environ.get("RAY_ADDRESS"))


def check_answers(address: str) -> None:
    """See that something listens at an address, for which Ray would wait for minutes.

    Raises
    ------
    BatchError
        If it has no port, or nothing listens there within ``CONNECT_SECONDS``.
    """
    if address in NAMED_ADDRESSES:
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.hostname is None or parts.port is None:
            raise BatchError(f"RAY_ADDRESS: expected HOST:PORT or ray://HOST:PORT, got {address!r}")
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise BatchError(
            f"RAY_ADDRESS: expected a Ray cluster at {address!r}, got: {error}; "
            "start it, correct the address, or unset RAY_ADDRESS to run on this machine"
        ) from error


@contextmanager
def connect(n_workers: int | None) -> Iterator[int]:
    """Start Ray, or join the cluster that ``RAY_ADDRESS`` names, and leave it at the end.

    Parameters
    ----------
    n_workers : int or None
        None is one for each processor of the cluster.

    Yields
    ------
    int
        How many workers there shall be.
    """
    os.environ.update(QUIET_SETTINGS)
    if not has_cluster():
        os.environ.update(LOCAL_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray  # it reads the environment when it is imported

    if has_cluster():
        check_answers(os.environ["RAY_ADDRESS"])
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
    ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    try:
        yield n_workers or int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
