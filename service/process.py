"""Prepares a process: entry points call it before they import anything else."""

# Only modules that the interpreter has imported by now: a file of the working folder with the name
# of another one would be executed. Others are imported once the path is safe.
import os
import sys

EXIT_NOT_INSTALLED = 2
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
"""The folder that this package is in."""
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def prepare_process(
    *, ignore_hangup: bool = False, extra: str | None = None, packages: tuple[str, ...] = ()
) -> None:
    """Make the module path safe, open closed standard streams, and look for an extra's packages.

    SIGHUP ends the process unless it is ignored until the server handles it. SIGINT ends it without
    a traceback until it is handled, as by `service.console.run_commands`. The process exits with
    one line if one of the ``packages`` is not installed: those of the project's optional
    dependencies ``extra``, or of the project itself if that is None.
    """
    use_safe_path()
    open_standard_streams()
    import signal
    from importlib.util import find_spec

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if ignore_hangup and hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if missing := [name for name in packages if find_spec(name) is None]:
        project = f"'newswire-topics[{extra}]'" if extra else "newswire-topics"
        sys.stderr.write(
            f"error: expected the packages {', '.join(packages)}, {', '.join(missing)} not found: "
            f"install them, as by pip install {project}\n"
        )
        sys.exit(EXIT_NOT_INSTALLED)


def use_safe_path() -> None:
    """Never import from the working folder, which ``python -m`` puts first on the module path.

    The folder of this package stays importable, after everything that is installed.
    """
    try:
        working_folder = os.getcwd()  # noqa: PTH109
    except OSError:  # it has been removed
        working_folder = None
    if not sys.flags.safe_path and sys.path[:1] in ([working_folder], [""]):
        del sys.path[0]
    if ROOT not in sys.path:
        sys.path.append(ROOT)


def open_standard_streams() -> None:
    """Open the null device in place of descriptors 0 to 2 that are closed.

    The next file or socket would take their number otherwise, and be read or written by mistake.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        os.set_inheritable(descriptor, True)  # noqa: FBT003
    os.close(descriptor)
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
