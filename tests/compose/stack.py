"""The stack of ``docker-compose.yml``, brought up and taken down as a user would."""

import json
import os
import shutil
import subprocess
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.conftest import ROOT
from tests.ports import free_port
from tests.waiting import wait_until

TIMEOUT_SECONDS = 120
PORTS = ("NEWSWIRE_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "BALANCER_PORT", "JAEGER_PORT")


def compose_command() -> list[str] | None:
    """Return the command of compose: the plug-in or the stand-alone program."""
    if shutil.which("docker") and _succeeds("docker", "compose", "version"):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def what_is_missing() -> str | None:
    """Return what the tests need and is not there; None if nothing."""
    if not shutil.which("docker"):
        return "no docker command: install a container engine"
    if not _succeeds("docker", "info"):
        return "no container engine answers `docker info`: start one"
    if compose_command() is None:
        return "neither `docker compose` nor `docker-compose`: install one"
    return None


def docker(*words: str, content: str | None = None) -> str:
    """Run a command of the engine; return its output, or fail with its errors."""
    return _run(["docker", *words], content=content)


def inspect(name: str) -> dict[str, Any]:
    """Return the description of a container or an image."""
    (found,) = json.loads(docker("inspect", name))
    return dict(found)


class Stack:
    """A project of compose, with volumes and ports of its own.

    Parameters
    ----------
    services : sequence of str
        What to bring up.
    options : sequence of str
        Before the services, such as ``--scale``.
    profile : str or None
    variables : str
        Of the compose file.
    """

    def __init__(
        self,
        *services: str,
        options: list[str] | None = None,
        profile: str | None = None,
        **variables: str,
    ) -> None:
        self.project = f"newswire-test-{os.getpid()}-{free_port()}"
        self.variables = {name: str(free_port()) for name in PORTS} | variables
        self._services = services
        self._options = options or []
        self._profile = ["--profile", profile] if profile else []

    def __enter__(self) -> Self:
        try:
            self.compose("up", "--detach", *self._options, *self._services)
            for name in self.containers("service"):
                wait_until(partial(is_healthy, name), f"{name} is healthy", TIMEOUT_SECONDS, 0.25)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.compose("logs", "--tail=50"))  # noqa: T201
        self.compose("down", "--volumes", "--remove-orphans", "--timeout=20")

    def compose(self, *words: str, **variables: str) -> str:
        """Run a command of compose; give what it prints."""
        command = compose_command()
        assert command is not None
        environment = os.environ | self.variables | variables
        return _run([*command, "--project-name", self.project, *self._profile, *words], environment)

    def containers(self, service: str) -> list[str]:
        """Return the names of a service's containers."""
        ids = self.compose("ps", "--quiet", service).split()
        return sorted(inspect(each)["Name"].strip("/") for each in ids)

    def url(self, port: str) -> str:
        """Return the URL of a published port, by its variable."""
        return f"http://127.0.0.1:{self.variables[port]}"

    def prometheus(self, path: str, **parameters: str) -> Any:
        """Query Prometheus' API; return the data of its response."""
        url = f"{self.url('PROMETHEUS_PORT')}/api/v1/{path}"
        answer = httpx2.get(url, params=parameters).raise_for_status().json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def targets(self) -> dict[str, str]:
        """Return the health of each replica that Prometheus has found, by instance."""
        active = self.prometheus("targets", state="active")["activeTargets"]
        return {
            target["labels"]["instance"]: target["health"]
            for target in active
            if target["labels"]["job"] == "newswire"
        }


def health(container: str) -> str:
    """Return the status of the container's health check."""
    return str(inspect(container)["State"]["Health"]["Status"])


def is_healthy(container: str) -> bool:
    """Return whether the container's health check succeeds."""
    return health(container) == "healthy"


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(
    command: list[str], environment: dict[str, str] | None = None, content: str | None = None
) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=content,
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
