import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAM = """
import signal, time
from training.stop_signals import exit_on_stop_signals

class Resource:
    def __del__(self):
        signal.raise_signal({number})  # Python drops the exception

exit_on_stop_signals()
try:
    Resource()
    {resources}
    time.sleep({seconds})
    print("to its end")
finally:
    print("cleaned up")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("n_dropped", [1, 20])
def test_exit_that_python_dropped_is_raised_again(stop: signal.Signals, n_dropped: int) -> None:
    resources = f"for _ in range({n_dropped - 1}): Resource()"
    shown = run(PROGRAM.format(number=stop, seconds=60, resources=resources))
    assert shown.returncode == 128 + stop
    assert shown.stdout == "cleaned up\n"
    assert shown.stderr == ""


@pytest.mark.parametrize(("received", "status"), [(True, 128 + signal.SIGTERM), (False, 1)])
def test_error_that_replaces_the_exit_is_not_shown(*, received: bool, status: int) -> None:
    shown = run(
        "import signal, sys, training.__main__ as module\n"
        "def run_commands(cli, name):\n"
        f"    try: {received} and signal.raise_signal(signal.SIGTERM)\n"
        "    finally: raise RuntimeError('exit without proper nesting')\n"
        "module.run_commands = run_commands\n"
        "sys.exit(module.main())"
    )
    assert shown.returncode == status
    assert ("RuntimeError: exit without proper nesting" in shown.stderr) is not received


def test_ignored_sigint_stays_ignored() -> None:
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    shown = run(before + PROGRAM.format(number=signal.SIGINT, seconds=0.2, resources=""))
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == ["to its end", "cleaned up"]


def test_other_errors_that_python_drops_are_shown() -> None:
    shown = run(
        "from training.stop_signals import exit_on_stop_signals; exit_on_stop_signals()\n"
        "class Resource:\n    def __del__(self): raise ValueError('broken')\n"
        "Resource()"
    )
    assert shown.returncode == 0
    assert "ValueError: broken" in shown.stderr
