"""docs/how-to/grpc.md: its example as it stands, its calls, codes and figures of limits."""

import re
import subprocess
import sys

from service.api.grpc.calls import CODES
from service.api.grpc.health import HEALTH_SERVICE
from service.server.grpc_server import MAX_CALLS, MAX_STREAMS, max_message_bytes
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.service.api.grpc.test_calls import CALLS
from tests.test_documentation import rows

DOCUMENT = (ROOT / "docs" / "how-to" / "grpc.md").read_text()


def test_python() -> None:
    (script,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    port = free_port()
    with RunningService(NEWSWIRE_GRPC_PORT=str(port)):
        command = [sys.executable, "-c", script.replace("localhost:8001", f"127.0.0.1:{port}")]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == script.strip().rpartition("  # ")[2]


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
