"""Any bytes as the network of a bundle: it loads or loading fails, and the process survives.

onnxruntime is native code, so coverage does not guide the mutations, and a crash ends the process:
each input gets a process of its own.
"""

import os
import resource
import signal
import traceback
from collections.abc import Iterator
from random import Random
from typing import Final

from service.model import BundleError
from service.model.bundle import MODEL_FILE
from tests.fuzzing.bundles import DAMAGED, check_sentence
from tests.fuzzing.mutation import insert

OPTIONS: Final = {"reduce_inputs": 0, "max_len": 4_000, "timeout": 5}
"""Of libFuzzer: without guidance it would take one byte for as good as a network."""
MAX_SECONDS: Final = 1
"""Of processor time, after which the kernel ends a process."""
MAX_BYTES: Final = 1_000_000_000
"""Of memory, which a network of a kilobyte has no use for."""
PIECES: Final = [
    *(b"\xff" * 8 + b"\x7f", b"\xff" * 9 + b"\x01", b"\0", b"\x7f", b"\xff\xff\xff\xff\x0f"),
    *(b"token_ids", b"probabilities", b"weights", b"axis", b"Softmax", b"Loop", b"If", b"Scan"),
    *(b"ConstantOfShape", b"Expand", b"Resize", b"Pad", b"Tile", b"Reshape", b"QLinearMatMul"),
]


def seeds() -> Iterator[bytes]:
    """Return the network of the small bundle."""
    yield DAMAGED.files[MODEL_FILE]


def check(data: bytes) -> None:
    """Load the bundle with a network, elsewhere; raise if it ended in another way than it may."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of which the child has a copy
    if (child := os.fork()) == 0:
        _load(data)
    _, status, usage = os.wait4(child, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        ended = signal.Signals(-code).name if code < 0 else f"with exit status {code}"
        raise AssertionError(f"the process ended {ended}")
    if (usage.ru_maxrss - own) * 1024 > MAX_BYTES:
        raise AssertionError(f"the process took {usage.ru_maxrss - own} kB more")


def mutate(data: bytes, random: Random) -> bytes:
    """Put a large number somewhere, or the name of another step."""
    return insert(data, PIECES, random)


def _load(data: bytes) -> None:
    """Load it and end this process, which is a copy of the fuzzer's."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    status = 1
    try:
        DAMAGED.load(MODEL_FILE, data)
        status = 0
    except BundleError as error:
        check_sentence(str(error))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
