import io

from rich.console import Console

from training.console import FitProgress


def test_steps_are_lines_where_there_is_no_terminal() -> None:
    written = io.StringIO()
    with FitProgress("Fitting", 2, Console(file=written)) as steps:
        steps.end_step()
        steps.end_step()
    assert written.getvalue() == "Fitting 1/2\nFitting 2/2\n"


def test_terminal_shows_steps_and_time_left() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with FitProgress("Fitting", 2, console) as steps:
        steps.end_step()
        steps.end_step()
    shown = written.getvalue()
    assert "2/2" in shown
    assert "left 0:00:00" in shown.replace("\x1b[36m", "").replace("\x1b[0m", "")
