import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FIT = """
import signal, sys
from training.console import FitProgress, stdout_console
from training.stop_signals import exit_on_stop_signals

class Resource:
    def __del__(self):
        signal.raise_signal({number})  # Python drops the exception

exit_on_stop_signals()
try:
    with FitProgress("Fitting", 2, stdout_console()) as steps:
        Resource()
        print("goes on", flush=True)
        steps.end_step()
        print("next step")
finally:
    print("cleaned up")
"""


def fit(number: int, *, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    before = f"import signal; signal.signal({number}, signal.SIG_IGN)\n" if ignored else ""
    return subprocess.run(
        [sys.executable, "-c", before + FIT.format(number=number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stop_whose_exception_was_dropped_ends_the_fit_after_the_step(stop: signal.Signals) -> None:
    shown = fit(stop)
    assert shown.returncode == 128 + stop
    assert shown.stdout.splitlines() == ["goes on", "Fitting 1/2", "cleaned up"]
    assert shown.stderr == ""


def test_ignored_sigint_stays_ignored() -> None:
    shown = fit(signal.SIGINT, ignored=True)
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == ["goes on", "Fitting 1/2", "next step", "cleaned up"]


def test_other_errors_that_python_drops_are_shown() -> None:
    program = (
        "from training.stop_signals import exit_on_stop_signals; exit_on_stop_signals()\n"
        "class Resource:\n    def __del__(self): raise ValueError('broken')\n"
        "Resource()"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ValueError: broken" in shown.stderr
