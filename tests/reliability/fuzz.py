"""``make reliability CASE=fuzz``: requests that Schemathesis generates from the OpenAPI document.

It checks status, media type, headers and body of each response against the document: valid requests
must succeed, others must be rejected.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import LATEST, ROOT
from tests.end_to_end.running_service import RunningService

SCHEMATHESIS = ROOT / ".venv" / "interface" / "bin" / "schemathesis"
HOOKS = "tests.reliability.fuzz_hooks"
CONFIGURATION = Path(__file__).with_name("fuzz.toml")
PHASES = "examples,coverage,fuzzing"
"""Not the one that goes from answer to answer, for the service keeps no state."""
N_VARIED = 5
"""Operations that take a body; the others have nothing to vary."""


def fuzz(port: int, *, n_requests: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis; another seed makes up other requests."""
    command = [
        str(SCHEMATHESIS),
        "--config-file",
        str(CONFIGURATION),
        "run",
        "--continue-on-failure",
    ]
    options = ["--phases", PHASES, "--max-examples", str(n_requests // N_VARIED)]
    options += ["--seed", str(seed), "--no-shrink"]
    with tempfile.TemporaryDirectory() as folder:  # it keeps what failed
        return subprocess.run(
            [*command, f"http://127.0.0.1:{port}/openapi.json", *options],
            cwd=folder,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HOOKS, "SERVED_VERSION": LATEST.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make reliability CASE=fuzz")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    arguments = parser.parse_args()
    with RunningService() as service:
        done = fuzz(service.port, n_requests=arguments.requests, seed=arguments.seed)
    sys.stdout.write(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
