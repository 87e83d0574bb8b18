"""The client programs of the how-to guides, the very text of them, against the running service."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

import pytest

from tests.conftest import ROOT
from tests.end_to_end.guides import SERVICE, read_code
from tests.end_to_end.running_service import RunningService
from tests.end_to_end.tutorial import find_difference

GUIDES: Final = ROOT / "docs" / "how-to"
KEY: Final = "a-good-key-of-24-letters"
INTERFACE: Final = ROOT / ".venv" / "interface" / "bin" / "python"
"""Has httpx."""
SENT_BY: Final = {
    "kserve": b'{"id":"7e9d91a1-288a-4359-b3f0-95efb7480693","model_name":"reuters","inputs":'
    b'[{"name":"text","shape":[2],"datatype":"BYTES","data":["Crude oil rose a dlr a barrel.",'
    b'"Net profit rose 12 mln dlrs."]}],"parameters":{"top_k":1}}',
    "mlserver": b'{"parameters":{"top_k":1},"inputs":[{"name":"text","shape":[2,1],"datatype":'
    b'"BYTES","parameters":{"content_type":"str"},"data":["Crude oil rose a dlr a barrel.",'
    b'"Net profit rose 12 mln dlrs."]}]}',
}
"""What the programs sent that need kserve 0.21.0 and mlserver 1.7.1: no environment has these."""


class Program(NamedTuple):
    """A program in a guide, and the output that the guide shows below it."""

    guide: str
    language: str
    code: str
    output: str


def read_programs() -> list[Program]:
    return [
        Program(path.stem, language, *block)
        for path in sorted(GUIDES.glob("*.md"))
        for language in ("python", "javascript")
        for block in read_code(path.read_text(), language, "text")
        if SERVICE in block.code
    ]


def needs(program: Program, package: str) -> bool:
    return bool(re.search(rf"^(?:from|import) {package}\b", program.code, re.M))


PROGRAMS: Final = read_programs()
RUN: Final = [program for program in PROGRAMS if not any(needs(program, name) for name in SENT_BY)]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with RunningService() as service:
        yield service.port


@pytest.fixture(scope="module")
def port_with_key() -> Iterator[int]:
    with RunningService(NEWSWIRE_API_KEYS=KEY) as service:
        yield service.port


def run(program: Program, port: int, folder: Path) -> str:
    """Run a program against a port, with the interpreter that has its packages."""
    if program.language == "javascript":
        interpreter = need("node")
    elif needs(program, "httpx"):
        subprocess.run(["make", ".venv/interface/.installed"], cwd=ROOT, check=True)
        interpreter = str(INTERFACE)
    else:
        interpreter = sys.executable
    script = folder / f"program.{'mjs' if program.language == 'javascript' else 'py'}"
    script.write_text(program.code.replace(SERVICE, f"127.0.0.1:{port}"))
    environment = os.environ | {"API_KEY": KEY}
    command = [interpreter, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def test_programs_are_found() -> None:
    assert {(program.guide, program.language) for program in PROGRAMS} == {
        ("api-keys", "python"),
        ("call-the-api", "python"),
        ("call-the-api", "javascript"),
        ("hugging-face", "python"),
        ("open-inference-clients", "python"),
    }
    assert all(program.output for program in PROGRAMS)
    assert len(PROGRAMS) - len(RUN) == len(SENT_BY)


@pytest.mark.parametrize("program", RUN, ids=lambda program: program.guide)
def test_program_prints_what_the_guide_shows(
    program: Program, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name = "port_with_key" if "API_KEY" in program.code else "port"
    output = run(program, request.getfixturevalue(name), tmp_path)
    assert find_difference(program.output, output) is None


@pytest.mark.parametrize("package", SENT_BY)
def test_requests_of_other_clients(package: str) -> None:
    """The guide has a program for the package, and the service understands what it sends."""
    (program,) = (program for program in PROGRAMS if needs(program, package))
    sent = json.loads(SENT_BY[package])
    assert all(f'"{text}"' in program.code for text in sent["inputs"][0]["data"])
    headers = {"Content-Type": "application/json"}
    with RunningService() as service:
        url = "/v2/models/reuters/infer"
        response = service.client.post(url, content=SENT_BY[package], headers=headers).json()
    assert str(response["outputs"][0]["data"]) == program.output.strip()


class Busy(BaseHTTPRequestHandler):
    """Closes the first connection, rejects the second request, then accepts all."""

    n_requests = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).n_requests += 1
        if self.n_requests == 1:
            return
        rejected = self.n_requests == 2
        body = json.dumps({"detail": "?", "answers": [{"topic": "crude"}]}).encode()
        self.send_response(429 if rejected else 200)
        if rejected:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def busy_server() -> Iterator[tuple[int, type[Busy]]]:
    handler = type("Handler", (Busy,), {"n_requests": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], handler
        server.shutdown()
        thread.join()


def test_documented_retries(tmp_path: Path) -> None:
    (program,) = (program for program in PROGRAMS if "Retry-After" in program.code)
    with busy_server() as (port, handler):
        output = run(program, port, tmp_path)
    assert output.startswith("crude\n")
    assert handler.n_requests == 4
