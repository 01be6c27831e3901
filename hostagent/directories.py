"""The agent's own directories and its log, made ready at its start."""

import fcntl
import logging
import os
from pathlib import Path

from .config import AgentConfig
from .jobs.errors import JobFailed
from .jobs.target import make_parents
from .ways import real

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The agent cannot start on this host. The text is a sentence that says what to do."""


def begin_log_anew() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            # It opens its file by name with the next line.
            handler.close()
    log.info("SIGHUP: the log file was opened anew.")


def prepare_directories(config: AgentConfig) -> int:
    """Create what the agent needs and lock it against a second agent; returns the lock, held while it is open.

    Raises CannotStart.
    """
    try:
        # First, and whatever the umask: accounts of servers have to come through, and nobody else may write there.
        for place in (Path(real(config.install_root)) / "application", Path(real(config.state_dir))):
            make_parents(place)
        for directory in (config.state_dir, config.log_dir, config.jobs_dir, config.packages_dir):
            directory.mkdir(exist_ok=True, mode=0o700)
        lock = os.open(config.state_dir / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (OSError, JobFailed) as error:
        raise CannotStart(f"The agent cannot use its directories: {error}. Correct state_dir and install_root.") \
            from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise CannotStart(f"Another agent already runs with the state directory {config.state_dir}. "
                          "Stop it, or give this one a state_dir of its own.") from None
    return lock
