"""The command line of ``manage.py up``, read without Django's own, which would load what stays."""

import argparse
import sys
from collections.abc import Sequence

HELP = "Start Pairwise on this machine (Redis, control, web, console worker, log reader, agent) and stop it on Ctrl-C."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", metavar="ROLES", help="only these, separated by commas: redis, "
                        "control, web, console-worker, log-reader, agent (default: PAIRWISE_ONLY, else all)")


def carry_out(only: str) -> None:
    from console.up.main import up

    sys.exit(up(only))


def main(arguments: Sequence[str]) -> None:
    """``arguments``: those of the process."""
    parser = argparse.ArgumentParser(prog=" ".join(arguments[:2]), description=HELP)
    add_arguments(parser)
    carry_out(parser.parse_args(arguments[2:]).only)
