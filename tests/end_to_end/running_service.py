"""The service as a process of its own, on a free port of loopback."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from tests.conftest import ROOT
from tests.ports import free_port

START_TIMEOUT_SECONDS = 30


class RunningService:
    """Starts ``python -m service`` and waits until it is ready.

    Parameters
    ----------
    command : list of str
        What to start instead; it must obey ``NEWSWIRE_PORT``.
    errors : int, Path or None
        Where standard error goes: as for `subprocess.Popen`, or a file.
    settings : str
        Environment variables.

    Attributes
    ----------
    folder : Path
        The working folder; may be set before it is started.
    """

    def __init__(
        self, command: list[str] | None = None, errors: int | Path | None = None, **settings: str
    ) -> None:
        self.port = free_port()
        self._command = command or [sys.executable, "-m", "service"]
        self._errors = errors
        self.folder: Path = ROOT
        self._settings = settings

    def __enter__(self) -> Self:
        self.process = self.start()
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, "the service ended before it was ready"
            assert time.monotonic() < deadline, "the service is not ready in time"
            time.sleep(0.02)
        return self

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process, and do not wait."""
        with ExitStack() as stack:
            errors = self._errors
            return subprocess.Popen(
                self._command,
                env=os.environ | self._settings | {"NEWSWIRE_PORT": str(self.port)},
                cwd=self.folder,
                start_new_session=True,
                stderr=stack.enter_context(errors.open("ab"))
                if isinstance(errors, Path)
                else errors,
            )

    def _is_ready(self) -> bool:
        try:
            return self.client.get("/health/ready").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def stop(self, stop: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the service's process group; give its exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, stop)
        return self.process.wait(timeout=30)

    def stop_and_read_errors(self) -> str:
        """Stop it, and give what it wrote to standard error, which must be a pipe."""
        self.stop()
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            return str(stream.read().decode())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        self.stop(signal.SIGTERM if error is None else signal.SIGKILL)  # it may drain for long
