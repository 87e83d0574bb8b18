"""Validates a bundle in a subprocess before the serving process loads it.

A malicious or broken bundle may crash native code, use up memory or never finish. In a subprocess
with limits, each of these becomes one `BundleError`.
"""

import math
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
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
"""``python -m`` would import from the working folder, which is not trusted."""


class BundleValidator:
    """Loads and verifies a bundle in a low-priority subprocess, or raises BundleError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        self._output, write_end = os.pipe()
        try:
            self.pid = os.posix_spawn(  # without settings, which may have API keys
                sys.executable,
                [sys.executable, "-P", "-c", _PROGRAM, ROOT, str(path)],
                {name: value for name, value in os.environ.items() if "NEWSWIRE" not in name},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, write_end, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        except OSError as error:
            os.close(self._output)
            raise BundleError(f"{path}: cannot start the validator: {error.strerror}") from error
        finally:
            os.close(write_end)
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, self.pid, 19)  # the lowest
        with suppress(OSError, AttributeError):  # not on every system
            os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def kill(self) -> None:
        """Kill the process; `result` then raises BundleError."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def result(self) -> str:
        """Wait for the process and return the fingerprint of the valid bundle.

        Raises BundleError if the bundle is invalid, or the process crashed or exceeded a limit.
        """
        with os.fdopen(self._output, "rb", buffering=0) as pipe:
            poll = select.poll()  # as select, but for any number of open files
            poll.register(pipe, select.POLLIN)
            timed_out = not poll.poll(1_000 * max(0, self._deadline - time.monotonic()))
            # the process writes once, at its end
            content = b"" if timed_out else pipe.read(MAX_MESSAGE_BYTES)
        message = " ".join(content.decode(errors="replace").split())
        if timed_out:
            self.kill()
        _, status = os.waitpid(self.pid, 0)
        exit_code = os.waitstatus_to_exitcode(status)
        if exit_code == EXIT_VALID and message:
            return message
        if exit_code == EXIT_INVALID and message:
            raise BundleError(message)
        if timed_out:
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
    message = f"{path}: expected to take at most {MEMORY_BYTES} bytes of memory"
    try:
        _set_limits()
        message = load_classifier(path).fingerprint
        status = EXIT_VALID
    except BundleError as error:
        message = str(error)
    except MemoryError:
        pass
    except BaseException as error:
        message = f"{path}: it cannot be loaded: {type(error).__name__}"
    finally:
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
        if hard in {resource.RLIM_INFINITY, -1} or value < hard:
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
