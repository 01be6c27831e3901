"""What keeps the Configuration Database busy, under way for the length of a block.

`python -m tests.scenarios.busywork NAME` does one of IN_A_PROCESS, again and again until its standard input ends; it
says a line as soon as it is in the middle of it. `python -m tests.scenarios.busywork fill PAIRS` makes those that are
there before.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect

import yaml

from tests.locks import held

from .harness import ROOT, wait_for
from .site import Site

PAIRS_A_HOST, SOME = 25, 20
UNDER_WAY, ENDS_S, INTERRUPTED = "under way", 60.0, 130


@dataclass(frozen=True)
class Size:
    """``there`` pairs are in the database before; a file asks for ``applied`` others, in a ``network`` of their own.
    A database that is held has been so for ``held_s`` when that is under way."""

    name: str
    network: str
    there: int
    applied: int
    held_s: float

    @property
    def hosts(self) -> int:
        return 2 * -(-self.applied // PAIRS_A_HOST)


QUICK = Size("Quick", "203.0.113", there=0, applied=200, held_s=0.0)
FULL = Size("Full", "198.51.100", there=2000, applied=500, held_s=22.0)
"""Whoever waits for a database that is held gives up after 20 s."""


def file_of_pairs(size: Size, path: Path) -> Path:
    """A file for `manage.py apply` that asks for pairs on hosts of their own, written to ``path``."""
    hosts = [{"name": f"{size.name}-{number}", "ip_address": f"{size.network}.{number + 1}"}
             for number in range(size.hosts)]
    servers = [server for number in range(size.applied) for server in _pair(size, number)]
    path.write_text(yaml.safe_dump({"hosts": hosts, "applications": servers}))
    return path


def _pair(size: Size, number: int) -> list[dict]:
    port, place = 7000 + 10 * (number % PAIRS_A_HOST), 2 * (number // PAIRS_A_HOST)
    primary, backup = ({
        "name": f"{size.name}_{number}_{letter}", "template": "Message_Server", "host": f"{size.name}-{place + side}",
        "working_directory": ".", "command_line": ".", "options": {"clients": {"bench": "benchpass"}},
        "ports": [{"id": "default", "port": port, "protocol": "stomp"},
                  {"id": "sync", "port": port + 1, "protocol": "sync", "ha_sync": True}],
    } for side, letter in enumerate("AB"))
    return [primary | {"backup": backup["name"], "redundancy_type": "warm standby"}, backup]


def database_of(site: Site) -> Path:
    return site.pairwise.data_dir / "pairwise.sqlite3"


def fill(site: Site, size: Size) -> None:
    """The pairs that are there before, with the console stopped meanwhile: control reads all of them as it starts."""
    run = site.pairwise
    run.stop()
    run.end_asked()
    subprocess.run([sys.executable, "-m", "tests.scenarios.busywork", "fill", str(size.there)], cwd=ROOT, check=True,
                   env=run.environment, stdin=subprocess.DEVNULL)
    run.start()


def applied(site: Site, size: Size) -> int:
    """How many servers of ``file_of_pairs`` there are."""
    with closing(connect(database_of(site))) as database:
        return database.execute("SELECT count(*) FROM provisioning_application WHERE name GLOB ?",
                                [f"{size.name}_*"]).fetchone()[0]


def heed_ctrl_c() -> None:
    """In a child: as in a terminal. Whoever started these tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def applying(site: Site, size: Size) -> Iterator[Callable[[], bool]]:
    """`apply` of new pairs, interrupted at the end: what it says that it made is there."""
    path, said = file_of_pairs(size, site.directory / "busy.yaml"), site.directory / "busy.log"
    with open(said, "w") as log:
        work = subprocess.Popen([sys.executable, "manage.py", "apply", str(path), "--yes"], cwd=ROOT, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL, env=site.pairwise.environment,
                                preexec_fn=heed_ctrl_c)
    try:
        wait_for(lambda: applied(site, size) >= SOME or work.poll() is not None, ENDS_S, "some of the pairs", every=0.1)
        yield lambda: work.poll() is None and applied(site, size) < 2 * size.applied
        work.send_signal(signal.SIGINT)
        work.wait(ENDS_S)
    finally:
        work.kill()
    assert work.returncode == INTERRUPTED, said.read_text()
    made, wanted = size.hosts + applied(site, size), size.hosts + 2 * size.applied
    assert f"{made} of {wanted} changes were made" in said.read_text()


@contextmanager
def holding(site: Site, size: Size) -> Iterator[Callable[[], bool]]:
    """Another program holds the write lock."""
    with held(database_of(site)) as lock:
        time.sleep(size.held_s)
        yield lambda: lock.in_transaction


def _process(name: str):
    @contextmanager
    def working(site: Site, _: Size) -> Iterator[Callable[[], bool]]:
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


def _under_way_at(statement: str):
    """Says so as soon as SQL with ``statement`` in it is executed."""
    def execute_and_say(execute, sql, *arguments):
        nonlocal said
        if not said and statement in sql:
            print(UNDER_WAY, flush=True)
            said = True
        return execute(sql, *arguments)

    said = False
    return execute_and_say


def _leave_when_told() -> None:
    sys.stdin.read()
    os._exit(0)


def _work(work: Callable[[], object], statement: str) -> None:
    from django.db import connection

    threading.Thread(target=_leave_when_told, daemon=True).start()
    with connection.execute_wrapper(_under_way_at(statement)):
        while True:
            work()


def _audit() -> None:
    """Under way when it stores its results."""
    _work(_audit_all, 'INSERT INTO "provisioning_auditrun"')


def _audit_all() -> None:
    from provisioning.audit.worker.run import run_audit
    from provisioning.states import AuditTrigger

    run_audit(trigger=AuditTrigger.SCHEDULE)


def _export() -> None:
    """Under way when it reads options, of which there are most."""
    from provisioning.applications.selectors.export import export_yaml

    _work(export_yaml, 'FROM "provisioning_option"')


def _migrate() -> None:
    """A table is written anew, as SQLite needs it for most changes, and the migration takes its time to end."""
    from django.db import connection

    from provisioning.models import Application

    with connection.schema_editor() as editor:
        editor._remake_table(Application)
        print(UNDER_WAY, flush=True)
        sys.stdin.read()


def _fill(pairs: int) -> None:
    """Audited, too, as pairs are that have been there for a while."""
    from bench.audit import fill

    fill(0, pairs)
    _audit_all()


IN_A_PROCESS = {"audit": _audit, "export": _export, "migration": _migrate}

if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1] == "fill":
        _fill(int(sys.argv[2]))
    else:
        IN_A_PROCESS[sys.argv[1]]()
