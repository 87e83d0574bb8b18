"""Tries a bundle in a process of its own, before it is let into the one that serves.

Whoever made a bundle may be hostile, or its network may upset native code: it may crash, take all
the memory, or never end. Whatever it does it does here, and it is refused in one sentence.
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
from typing import Final, NoReturn, Self

from service.model import BundleError, load_classifier
from service.process import ROOT

CPU_SECONDS: Final = 5
"""Processor time that a trial may take; the released bundles take 0.3 s."""
START_SECONDS: Final = 45.0
"""How long a trial may last before there is a service, with the time that it waits for a processor.
Less than a container is given to start, so that it can say why it did not."""
BESIDE_SECONDS: Final = 300.0
"""How long a trial beside a service may last. Where others take all of a processor it gets little:
it took a minute and a half."""
MEMORY_BYTES: Final = 100_000_000
"""Memory that loading and proving may take; the released bundles take 20 MB. A container of 320 MB
has that beside a service."""
SENTENCE_BYTES: Final = 4_000
"""How much is read of what a trial says."""

PASSED, REFUSED = 0, 2
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); from service.reload.validator import main; main()"
)
"""``python -m`` would import from the working folder, which may be anybody's."""
_LEAST_PRIORITY: Final = 19
_FIRST_TO_BE_KILLED: Final = "1000"


class Trial:
    """A process that tries a bundle, and says either its fingerprint or why it is refused.

    Parameters
    ----------
    path : Path
        Of the bundle itself.
    pid : int
    said : int
        File descriptor of the end of a pipe, which is closed in the end.
    seconds : float
        How long it may last.
    """

    def __init__(self, path: Path, pid: int, said: int, seconds: float) -> None:
        self._path = path
        self.pid = pid
        self._said = said
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    @classmethod
    def fork(cls, path: Path) -> Self:
        """Try a bundle in a copy of this process, which must have no other thread: at the start."""
        said, saying = os.pipe()
        pid = os.fork()
        if not pid:
            _try(path, saying)
        os.close(saying)
        return cls(path, pid, said, START_SECONDS)

    @classmethod
    def spawn(cls, path: Path) -> Self:
        """Try a bundle in a new process, which gives way to every other.

        Raises
        ------
        BundleError
            If there can be no other process.
        """
        said, saying = os.pipe()
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-c", _PROGRAM, ROOT, str(path)],
                # no keys: whatever it does, it has none
                {name: value for name, value in os.environ.items() if "NEWSWIRE" not in name},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, saying, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        except OSError as error:
            os.close(said)
            os.close(saying)
            raise BundleError(f"{path}: it cannot be tried: {error.strerror}") from error
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, pid, _LEAST_PRIORITY)
        with suppress(OSError, AttributeError):  # or the system has no such classes
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        os.close(saying)
        return cls(path, pid, said, BESIDE_SECONDS)

    def abandon(self) -> None:
        """End the process; whoever waits for the verdict hears that it was refused."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def verdict(self) -> str:
        """Wait for the end, and give the fingerprint of the bundle that was tried.

        Raises
        ------
        BundleError
            If it was refused, or did something for which the process was ended.
        """
        sentence = self._listen()
        in_time = time.monotonic() < self._ends
        if not in_time:
            self.abandon()
        _, status = os.waitpid(self.pid, 0)
        ended = os.waitstatus_to_exitcode(status)
        if ended == PASSED and sentence:
            return sentence
        if ended == REFUSED and sentence:
            raise BundleError(sentence)
        too_long = f"expected to be loaded and proven within {self._seconds:g} s"
        raise BundleError(f"{self._path}: {_how(ended) if in_time else too_long}")

    def _listen(self) -> str:
        said = b""
        with os.fdopen(self._said, "rb", buffering=0) as pipe:
            while (left := self._ends - time.monotonic()) > 0 and len(said) < SENTENCE_BYTES:
                if not select.select([pipe], [], [], left)[0]:
                    continue
                if not (more := pipe.read(SENTENCE_BYTES)):
                    break
                said += more
        return " ".join(said[:SENTENCE_BYTES].decode(errors="replace").split())


def _how(ended: int) -> str:
    if ended == -signal.SIGXCPU:
        return f"expected to be loaded and proven in {CPU_SECONDS} s of processor time"
    how = f"with status {ended}" if ended >= 0 else f"by {signal.Signals(-ended).name}"
    return f"the process that tried to load it was ended {how}"


def _try(path: Path, saying: int) -> NoReturn:
    """Load and prove a bundle, say what came of it, and end this process."""
    status = REFUSED
    sentence = f"{path}: expected to take at most {MEMORY_BYTES} bytes of memory"
    try:
        _confine()
        sentence = load_classifier(path).fingerprint
        status = PASSED
    except BundleError as error:
        sentence = str(error)
    except MemoryError:
        pass
    except BaseException as error:  # a bug is a refusal, too, and nothing may go on from here
        sentence = f"{path}: it cannot be loaded: {type(error).__name__}"
    finally:
        with suppress(OSError):  # nobody listens any more
            os.write(saying, sentence.encode(errors="replace")[:SENTENCE_BYTES])
        os._exit(status)


def _confine() -> None:
    """Bound what this process may take; of what it has, nothing is taken away."""
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CPU, math.ceil(time.process_time()) + CPU_SECONDS)
    _bound(resource.RLIMIT_DATA, _private_bytes() + MEMORY_BYTES)
    with suppress(OSError):  # not on every system
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED)


def _bound(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard in {resource.RLIM_INFINITY, -1} or limit < hard:
        resource.setrlimit(kind, (limit, hard))


def _private_bytes() -> int:
    """How much private memory this process has mapped, as `RLIMIT_DATA` counts it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in status.splitlines() if "VmData" in line) * 1024


def main() -> NoReturn:
    """Try the bundle that the last argument names, and say what came of it on standard output."""
    _try(Path(sys.argv[-1]), sys.stdout.fileno())
