"""Coverage-guided fuzzing: inputs that reach new code are mutated further.

Each module of `TARGETS` has ``check``, which takes any bytes and raises if a property fails,
and ``seeds``, texts of our own. ``make reliability CASE=fuzz-coverage`` runs all of them in an
environment of their own, since Atheris changes the bytecode of what it imports.
"""

from typing import Final

TARGETS: Final = ("encoder", "bodies", "bundles", "networks")
