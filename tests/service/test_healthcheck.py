import os
import subprocess
import sys

import pytest

from service.healthcheck import DEFAULT_HOST, DEFAULT_PORT, reachable
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.slow


def check(port: int | str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "service.healthcheck"],
        env=os.environ | {"NEWSWIRE_PORT": str(port), "NEWSWIRE_HOST": "0.0.0.0"},  # noqa: S104
        cwd=ROOT,
        timeout=30,
        check=False,
    ).returncode


def test_its_defaults_are_those_of_the_settings() -> None:
    fields = ServiceSettings.model_fields
    assert (fields["host"].default, str(fields["port"].default)) == (DEFAULT_HOST, DEFAULT_PORT)


@pytest.mark.parametrize("port", ["eight", "80000"])
def test_port_that_is_none_is_a_failure_and_no_traceback(
    port: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert check(port) == 1
    assert capfd.readouterr().err == ""


def test_it_tells_whether_the_service_is_ready() -> None:
    with RunningService() as service:
        assert check(service.port) == 0
        service.stop()
        assert check(service.port) == 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("localhost", "localhost"),
    ],
)
def test_healthcheck_address(host: str, expected: str) -> None:
    assert reachable(host) == expected
