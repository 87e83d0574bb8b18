"""Corrupt bundles: accidents that no hash detects, and hostile ones."""

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.hostile_bundles import (
    DEVOURING,
    NETWORKS,
    Damage,
    declare,
    edit_manifest,
    edit_network,
    edit_topics,
    edit_vocabulary,
    rewrite,
)
from tests.reliability.corruption import files_of


def corruptions(chosen: random.Random) -> Iterator[tuple[str, Damage]]:
    """Yield corruptions without end: first the named ones, then flips of random bits."""
    yield from NAMED.items()
    while True:
        number = chosen.randrange(2**32)
        yield f"a flipped bit, seed {number}", partial(flip, seed=number)


def flip(bundle: Path, seed: int) -> None:
    """Flip a bit of a file."""
    chosen = random.Random(seed)  # noqa: S311
    path = chosen.choice(files_of(bundle))
    content = bytearray(path.read_bytes())
    content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
    path.write_bytes(content)


def truncate(bundle: Path, name: str) -> None:
    os.truncate(bundle / name, (bundle / name).stat().st_size // 2)


def replace_by_pipe(bundle: Path) -> None:
    (bundle / "topics.json").unlink()
    os.mkfifo(bundle / "topics.json")


NAMED: dict[str, Damage] = {
    "a missing file": lambda bundle: (bundle / "goldens.json").unlink(),
    "half a network": partial(truncate, name="model.onnx"),
    "half a manifest": partial(truncate, name="manifest.json"),
    "another version": partial(edit_manifest, edit=lambda m: m.update(version="7000")),
    "another format": partial(edit_manifest, edit=lambda m: m.update(format_version=3)),
    "another tokeniser": partial(edit_manifest, edit=lambda m: m.update(tokeniser="newswire-9")),
    "a path out of the bundle": partial(declare, name="../1/model.onnx"),
    "no topics": partial(rewrite, name="topics.json", value=[]),
    "a topic that cannot be shown": partial(edit_topics, code="\n"),
    "an enormous id": partial(edit_vocabulary, zyzzyva=2**40),
    "no goldens": partial(rewrite, name="goldens.json", value=[]),
    "deep nesting": partial(rewrite, name="goldens.json", value=b"[" * 100_000),
    "a number that is none": partial(rewrite, name="goldens.json", value=b"[NaN]"),
    "random bytes": partial(rewrite, name="model.onnx", value=os.urandom(10_000)),
    "a pipe": replace_by_pipe,
    "a gigantic tensor": partial(edit_network, edit=DEVOURING["a gigantic tensor"][0]),
    **{kind: partial(edit_network, edit=edit) for kind, (edit, _) in NETWORKS.items()},
}
