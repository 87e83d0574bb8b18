"""Compiles ``encoding.c`` beside it, with the C compiler of the package ziglang.

``python service/model/compile_encoder.py`` in an environment with ``requirements/compiler.txt``.
"""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("encoding.c")
LIBRARY: Final = SOURCE.with_name("_encoding.so")
FLAGS: Final = "-std=c11 -O2 -mcpu=baseline -fno-sanitize=all -shared -fPIC -s"
"""For any processor of this kind, so that one library serves all machines of a fleet."""
WARNINGS: Final = "-Wall -Wextra -Wconversion -Wno-sign-conversion -Werror"
ANY_C_LIBRARY: Final = "-nostdlib"
"""Needs what every C library has: glibc's and musl's."""


def source_sha256() -> str:
    """Return the hash of the source, which the library holds: others are not loaded."""
    return sha256(SOURCE.read_bytes()).hexdigest()


def compile_encoder() -> None:
    """Write the library, or nothing if the compiler fails."""
    options = [*FLAGS.split(), *WARNINGS.split(), f'-DSOURCE_SHA256="{source_sha256()}"']
    if sys.platform == "linux":
        options.append(ANY_C_LIBRARY)
    unfinished = LIBRARY.with_suffix(f".{os.getpid()}.partial")
    compiler = [sys.executable, "-m", "ziglang", "cc"]
    subprocess.run([*compiler, *options, "-o", unfinished, SOURCE], check=True)  # noqa: S603
    unfinished.replace(LIBRARY)


if __name__ == "__main__":
    compile_encoder()
