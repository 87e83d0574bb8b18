"""Run one target in this process, with the arguments of libFuzzer after its name."""

import importlib
import sys
from random import Random

import atheris


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["service", f"tests.fuzzing.{name}"]):
        target = importlib.import_module(f"tests.fuzzing.{name}")

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, max_size))
        return bytes(target.mutate(data, random)[:max_size])

    atheris.Setup(sys.argv, target.check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
