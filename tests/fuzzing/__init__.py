"""Coverage-guided fuzzing: what changes the path through the code is changed further.

Each module of `TARGETS` has ``check``, which takes any bytes and raises where a promise is broken,
and ``seeds``, texts of our own to begin with. ``make reliability CASE=fuzz-coverage`` runs them all, in an
environment of their own: Atheris changes the bytecode of what it imports.
"""

from typing import Final

TARGETS: Final = ("encoder", "bodies", "bundles", "networks")
