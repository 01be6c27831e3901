"""What a first start makes that is the same for every console of a test run: an empty database of today's shape, the
collected static files, the agent's bundle. Made once, copied to each console that does not prove the first start
itself; keys, certificates and accounts are made by each for itself.

``python -m tests.scenarios.prepared`` makes it in PAIRWISE_DATA_DIR.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("secret_key", "broker_password")
MAKE_S = 120 * PATIENCE


def copy(directory: Path, data_dir: Path) -> None:
    """Make it in ``directory`` if nobody has yet, and a copy as ``data_dir``, which is not there yet."""
    shutil.copytree(_made(directory), data_dir)


def copy_for_web(directory: Path, data_dir: Path) -> None:
    """As ``copy``, of what a web server needs, into ``data_dir``, which is there: databases and static files."""
    made = _made(directory)
    for database in made.glob("*.sqlite3*"):
        shutil.copy(database, data_dir)
    shutil.copytree(made / "static", data_dir / "static")


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    content, whole = directory / "content", directory / "whole"
    with open(directory / "lock", "w") as lock:
        # The workers of one test run begin at the same moment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(content, ignore_errors=True)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PAIRWISE_")}
            subprocess.run([sys.executable, "-m", "tests.scenarios.prepared"], cwd=ROOT, check=True, timeout=MAKE_S,
                           env=environment | {"PAIRWISE_DATA_DIR": str(content),
                                              "DJANGO_SETTINGS_MODULE": "console.settings"})
            for name in SECRETS:
                (content / name).unlink(missing_ok=True)
            whole.touch()
    return content


def main() -> None:
    os.umask(0o077)
    import django

    django.setup()
    from console.up import setup

    setup.migrate(lambda _: None)
    setup.collect_static(lambda _: None)
    setup.provide_agent()


if __name__ == "__main__":
    main()
