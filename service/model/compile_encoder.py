"""Compiles ``encoding.c`` beside it for this platform, or for all, with the package ziglang.

``python service/model/compile_encoder.py [--all]``, in an environment with
``requirements/compiler.txt``.
"""

import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

SOURCE: Final = Path(__file__).with_name("encoding.c")
TARGETS: Final = {
    "linux-x86_64": "x86_64-linux-gnu -nostdlib",
    "linux-aarch64": "aarch64-linux-gnu -nostdlib",
    "darwin-x86_64": "x86_64-macos.11.0",
    "darwin-arm64": "aarch64-macos.11.0",
}
"""Compiler targets by platform. Linux has several C libraries: with ``-nostdlib`` none is linked,
and that of the process provides memset, memmove and strlen."""
FLAGS: Final = "-std=c11 -O2 -mcpu=baseline -shared -fPIC -s -fno-sanitize=all"
"""Flags for any processor of the platform, without zig's sanitizers, which end the process."""
WARNINGS: Final = "-Wall -Wextra -Wconversion -Wno-sign-conversion -Werror"


def this_platform() -> str:
    """Return the name of this platform, which `TARGETS` may lack."""
    return f"{sys.platform}-{platform.machine()}"


def library_path(name: str) -> Path:
    """Return the path of the library of a platform."""
    return SOURCE.with_name(f"_encoding-{name}.so")


def checksum_path(name: str) -> Path:
    """Return the path of the checksum of a library and its source."""
    return SOURCE.with_name(f"_encoding-{name}.sha256")


def checksum(library: bytes) -> str:
    """Return the checksum of a library and of the present source."""
    return sha256(SOURCE.read_bytes() + library).hexdigest()


def compile_for(name: str) -> None:
    """Write the library of a platform and its checksum, or nothing if the compiler fails."""
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", *TARGETS[name].split()]
    with TemporaryDirectory() as folder:
        compiled = Path(folder, "library")
        subprocess.run(  # noqa: S603
            [*compiler, *FLAGS.split(), *WARNINGS.split(), "-o", compiled, SOURCE],
            env=os.environ | {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder},
            check=True,
        )
        library = compiled.read_bytes()
    unfinished = SOURCE.with_name(f"_encoding-{name}.{os.getpid()}.partial")
    unfinished.write_bytes(library)
    checksum_path(name).write_text(checksum(library))
    unfinished.replace(library_path(name))


def main(arguments: list[str]) -> int:
    """Compile for this platform, or for all with ``--all``; return the exit status."""
    names = [*TARGETS] if arguments == ["--all"] else [this_platform()]
    if names[0] not in TARGETS:
        print(f"{names[0]}: the encoder in C is for {', '.join(TARGETS)}")  # noqa: T201
        return 0
    try:
        for name in names:
            compile_for(name)
    except subprocess.CalledProcessError as error:
        return int(error.returncode)  # the compiler has said why
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
