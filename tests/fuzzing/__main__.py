"""``make reliability CASE=fuzz-coverage``: fuzz each target for ten minutes."""

import argparse
import sys

from tests.fuzzing import TARGETS
from tests.fuzzing.running import run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make reliability CASE=fuzz-coverage", description=__doc__
    )
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.targets:
        done = run(name, seconds=arguments.seconds, seed=arguments.seed)
        sys.stdout.write(
            f"{name}: {done.n_inputs:,} inputs, {done.coverage} edges, corpus of {done.corpus}, "
            f"{'FAILED' if done.failure else 'no failure'}\n{done.failure or ''}"
        )
        sys.stdout.flush()
        failed += done.failure is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
