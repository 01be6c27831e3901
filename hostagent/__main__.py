"""``python -m hostagent --config FILE``: run the agent of this host."""

import argparse
import asyncio
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from hostagent.directories import CannotStart, prepare_directories
from protocol import hangups
from protocol.version import VERSION

from .agent import EXIT_CANNOT_START, EXIT_OK, PortTaken, serve
from .config import ConfigError, load

LOG_BYTES, LOG_FILES = 8 * 1024 * 1024, 3


def main() -> int:
    hangups.outlive()
    parser = argparse.ArgumentParser(prog="hostagent", description="Pairwise's Local Control Agent.")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="agent.json, readable by its owner")
    parser.add_argument("-V", "--version", action="version", version=VERSION)
    arguments = parser.parse_args()
    try:
        config = load(arguments.config, os.environ)
        lock = prepare_directories(config)
        _log_to(config.log_dir / "agent.log")
        asyncio.run(serve(config))
    except (ConfigError, CannotStart, PortTaken) as error:
        print(error, file=sys.stderr)
        return EXIT_CANNOT_START
    os.close(lock)
    return EXIT_OK


def _log_to(path: Path) -> None:
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    to_file = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    to_terminal = logging.StreamHandler()
    to_terminal.setLevel(logging.WARNING)
    for handler in (to_file, to_terminal):
        handler.setFormatter(form)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
