"""What keeps the Configuration Database busy, under way for the length of a block.

`python -m tests.scenarios.busywork NAME` does one of REPEATED again and again, or MIGRATION once and slowly, until its
standard input ends; it says a line as soon as it is in the middle of it.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect

import yaml

from tests.locks import held
from tests.scenarios.harness import ROOT, wait_for
from tests.scenarios.site import Site

PAIRS, PAIRS_A_HOST, SOME = 200, 25, 20
UNDER_WAY, ENDS_S, INTERRUPTED = "under way", 60.0, 130


def file_of_pairs(path: Path) -> Path:
    """A file for `manage.py apply` that asks for PAIRS pairs on hosts of their own, written to ``path``."""
    hosts = [{"name": f"busy-{number}", "ip_address": f"203.0.113.{number + 1}"}
             for number in range(2 * -(-PAIRS // PAIRS_A_HOST))]
    servers = [server for number in range(PAIRS) for server in _pair(number)]
    path.write_text(yaml.safe_dump({"hosts": hosts, "applications": servers}))
    return path


def _pair(number: int) -> list[dict]:
    port, place = 7000 + 10 * (number % PAIRS_A_HOST), 2 * (number // PAIRS_A_HOST)
    primary, backup = ({
        "name": f"Busy_{number}_{letter}", "template": "Message_Server", "host": f"busy-{place + side}",
        "working_directory": ".", "command_line": ".", "options": {"clients": {"bench": "benchpass"}},
        "ports": [{"id": "default", "port": port, "protocol": "stomp"},
                  {"id": "sync", "port": port + 1, "protocol": "sync", "ha_sync": True}],
    } for side, letter in enumerate("AB"))
    return [primary | {"backup": backup["name"], "redundancy_type": "warm standby"}, backup]


def database_of(site: Site) -> Path:
    return site.pairwise.data_dir / "pairwise.sqlite3"


def busy_servers(site: Site) -> int:
    """How many of ``file_of_pairs`` there are."""
    with closing(connect(database_of(site))) as database:
        return database.execute("SELECT count(*) FROM provisioning_application WHERE name GLOB 'Busy_*'").fetchone()[0]


def heed_ctrl_c() -> None:
    """In a child: as in a terminal. Whoever started these tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def applying(site: Site) -> Iterator[Callable[[], bool]]:
    """`apply` of PAIRS new pairs, interrupted at the end: what it says that it made is there."""
    path, said = file_of_pairs(site.directory / "busy.yaml"), site.directory / "busy.log"
    with open(said, "w") as log:
        work = subprocess.Popen([sys.executable, "manage.py", "apply", str(path), "--yes"], cwd=ROOT, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL, env=site.pairwise.environment,
                                preexec_fn=heed_ctrl_c)
    try:
        wait_for(lambda: busy_servers(site) >= SOME or work.poll() is not None, ENDS_S, "some of the pairs", every=0.1)
        yield lambda: work.poll() is None and busy_servers(site) < 2 * PAIRS
        work.send_signal(signal.SIGINT)
        work.wait(ENDS_S)
    finally:
        work.kill()
    hosts = 2 * -(-PAIRS // PAIRS_A_HOST)
    assert work.returncode == INTERRUPTED, said.read_text()
    assert f"{hosts + busy_servers(site)} of {hosts + 2 * PAIRS} changes were made" in said.read_text()


@contextmanager
def holding(site: Site) -> Iterator[Callable[[], bool]]:
    """Another program holds the write lock."""
    with held(database_of(site)) as lock:
        yield lambda: lock.in_transaction


def _process(name: str):
    @contextmanager
    def working(site: Site) -> Iterator[Callable[[], bool]]:
        work = subprocess.Popen([sys.executable, "-m", "tests.scenarios.busywork", name], cwd=ROOT, text=True,
                                env=site.pairwise.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert work.stdout.readline().strip() == UNDER_WAY
            yield lambda: work.poll() is None
            work.communicate(timeout=ENDS_S)
        finally:
            work.kill()
        assert work.returncode == 0
    return working


WORKS: dict[str, Callable] = {
    "apply": applying, "hold": holding, "audit": _process("audit"), "export": _process("export"),
    "migration": _process("migration")}


# --- in a process of its own


def _again_and_again(work: Callable[[], object]) -> None:
    """``work`` until the standard input has ended; the second time it is under way for sure."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    work()
    print(UNDER_WAY, flush=True)
    while not over.is_set():
        work()


def _audit() -> None:
    from provisioning.jobs.audits import run_audit
    from provisioning.states import AuditTrigger

    run_audit(trigger=AuditTrigger.SCHEDULE)


def _export() -> None:
    from provisioning.selectors.export import export_yaml

    export_yaml()


def _migrate() -> None:
    """A table is written anew, as SQLite needs it for most changes, and the migration takes its time to end."""
    from django.db import connection

    from provisioning.models import Application

    with connection.schema_editor() as editor:
        editor._remake_table(Application)
        print(UNDER_WAY, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    import django

    django.setup()
    {"audit": lambda: _again_and_again(_audit), "export": lambda: _again_and_again(_export),
     "migration": _migrate}[sys.argv[1]]()
