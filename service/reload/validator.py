"""Validates a bundle in a subprocess before the serving process loads it.

A malicious or broken bundle may crash native code, use up memory or never finish. In a subprocess
with limits, each of these becomes one `BundleError`.
"""

import math
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Final, NoReturn

from service.model import BundleError, load_classifier
from service.process import ROOT

CPU_SECONDS: Final = 5  # CPU time limit; the released bundles take 0.3 s
TIMEOUT_SECONDS: Final = 300.0  # it only gets idle CPU time: on a saturated core it took 90 s
MEMORY_BYTES: Final = 100_000_000
"""Memory limit of loading and verifying; the released bundles take 20 MB. A container of 320 MB has
room for it beside the service."""
MAX_MESSAGE_BYTES: Final = 4_000

EXIT_VALID, EXIT_INVALID = 0, 2
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); from service.reload.validator import main; main()"
)
"""Program of the subprocess; ``python -m`` would import from the working folder."""


class BundleValidator(subprocess.Popen[bytes]):
    """Loads and verifies a bundle in a low-priority subprocess, or raises BundleError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            super().__init__(
                [sys.executable, "-P", "-c", _PROGRAM, ROOT, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # without settings, which may have API keys
                env={name: value for name, value in os.environ.items() if "NEWSWIRE" not in name},
            )
        except OSError as error:
            raise BundleError(f"{path}: cannot start the validator: {error.strerror}") from error
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, self.pid, 19)  # the lowest
        with suppress(OSError, AttributeError):  # not on every system
            os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def result(self) -> str:
        """Wait for the process and return the fingerprint of the valid bundle.

        Raises BundleError if the bundle is invalid, or the process crashed, was killed or exceeded
        a limit.
        """
        timer = Timer(self._deadline - time.monotonic(), self.kill)
        timer.start()
        with self:  # waits for its end
            content = self.stdout.read(MAX_MESSAGE_BYTES) if self.stdout else b""
        timer.cancel()
        message = " ".join(content.decode(errors="replace").split())
        exit_code = self.returncode
        if exit_code == EXIT_VALID and message:
            return message
        if exit_code == EXIT_INVALID and message:
            raise BundleError(message)
        if exit_code == -signal.SIGKILL and time.monotonic() >= self._deadline:
            reason = f"expected to load within {TIMEOUT_SECONDS:g} s"
        elif exit_code == -signal.SIGXCPU:
            reason = f"expected to load within {CPU_SECONDS} s of CPU time"
        else:
            how = f"status {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name
            reason = f"the validator process ended with {how}"
        raise BundleError(f"{self._path}: {reason}")


def main() -> NoReturn:
    """Validate the bundle of the last argument; write its fingerprint or the error to stdout."""
    path = Path(sys.argv[-1])
    status = EXIT_INVALID
    try:
        _set_limits()
        message = load_classifier(path).fingerprint
        status = EXIT_VALID
    except BundleError as error:
        message = str(error)
    except MemoryError:
        message = f"{path}: expected to take at most {MEMORY_BYTES} bytes of memory"
    except BaseException as error:
        message = f"{path}: it cannot be loaded: {type(error).__name__}"
    with suppress(OSError):  # the service has ended
        os.write(sys.stdout.fileno(), message.encode(errors="replace")[:MAX_MESSAGE_BYTES])
    os._exit(status)


def _set_limits() -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CPU: math.ceil(time.process_time()) + CPU_SECONDS,
        resource.RLIMIT_DATA: _private_bytes() + MEMORY_BYTES,
    }
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or value < hard:
            resource.setrlimit(kind, (value, hard))
    with suppress(OSError):  # not on every system
        Path("/proc/self/oom_score_adj").write_text("1000")  # the highest: killed first


def _private_bytes() -> int:
    """Return the private memory of this process, as `RLIMIT_DATA` counts it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in status.splitlines() if "VmData" in line) * 1024
