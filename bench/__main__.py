"""`./run bench [NAME ...] [OPTIONS]`: every measurement in turn, each a module of its own; one JSON object a line.
Options are those of the one measurement that is named."""

import itertools
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    """Measurements: the modules here that are neither private nor only a client."""
    return sorted(path.stem for path in HERE.glob("*.py")
                  if not path.stem.startswith("_") and not path.stem.endswith("_client"))


def main(arguments: list[str]) -> int:
    chosen = list(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    options = arguments[len(chosen):]
    if unknown := set(chosen) - set(names()):
        print(f"There is no measurement {', '.join(sorted(unknown))}. Known: {', '.join(names())}.", file=sys.stderr)
        return 2
    if options and len(chosen) != 1:
        print(f"Name the one measurement that {' '.join(options)} is for.", file=sys.stderr)
        return 2
    codes = [subprocess.run([sys.executable, "-m", f"bench.{name}", *options], cwd=HERE.parent).returncode
             for name in chosen or names()]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
