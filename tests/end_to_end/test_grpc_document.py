"""docs/how-to/grpc.md: its example as it stands, its calls, codes and figures of limits."""

import os
import re
import subprocess
import sys

import pytest

from service.api.grpc.calls import CODES
from service.api.grpc.health import HEALTH_SERVICE
from service.server.grpc_server import MAX_CALLS, MAX_STREAMS, max_message_bytes
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.guides import Block, read_code
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.service.api.grpc.test_calls import CALLS
from tests.test_documentation import rows

KEY = "a-good-key-of-24-letters"
DOCUMENT = (ROOT / "docs" / "how-to" / "grpc.md").read_text()


@pytest.mark.parametrize("program", read_code(DOCUMENT, "python", "text"))
def test_python(program: Block) -> None:
    port = free_port()
    keys = KEY if "API_KEY" in program.code else ""
    with RunningService(NEWSWIRE_GRPC_PORT=str(port), NEWSWIRE_API_KEYS=keys):
        code = program.code.replace("localhost:8001", f"127.0.0.1:{port}")
        command = [sys.executable, "-c", code]
        environment = os.environ | {"API_KEY": KEY}
        shown = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout
    assert shown == program.output


def test_calls() -> None:
    names = {name for cells in rows(r"`.*", DOCUMENT) for name in re.findall(r"`(\w+)`", cells[0])}
    assert {*CALLS} - {"Check"} <= names
    assert f"`{HEALTH_SERVICE}/Check`" in DOCUMENT


def test_codes() -> None:
    table = DOCUMENT.split("| code |")[1].split("\n\n")[0]
    for status, code in CODES.items():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{code.name}`")]
        assert str(status) in row


def test_limits() -> None:
    settings = ServiceSettings()
    assert f"{max_message_bytes(settings):,} bytes" in DOCUMENT
    assert f"takes {MAX_CALLS} calls at once, {MAX_STREAMS} on a connection" in DOCUMENT
    assert f"{settings.max_concurrent_requests} concurrent" in DOCUMENT
