"""A move from the first question to the console that runs on its new databases. Each step may be the last one: what
was not finished is taken back, or finished, by whoever starts next (``recovery``)."""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from console import kept_databases
from console.kept_databases import CONFIGURATION, LOG, MOVED, MOVING, Kept, shown
from console.relocation import commands, copying, files, installation, recovery, target
from console.relocation.target import Unfit
from console.up import health
from console.up.databases import is_behind
from provisioning.history import verify
from provisioning.logbook.models import ALIAS as LOG_ALIAS
from provisioning.record.models import ALIAS as RECORD_ALIAS

READY_S = 120.0
ROWS_A_SECOND, AROUND_S = 20_000, 15
"""Of a small machine: to copy and compare them; and for what stops and starts."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """``rows``: {label: how many there are}."""

    addresses: Mapping[str, str]
    rows: Mapping[str, int]

    @property
    def lasts_s(self) -> int:
        return AROUND_S + sum(self.rows.values()) // ROWS_A_SECOND

    def lines(self) -> Iterator[str]:
        yield f"From  {settings.PAIRWISE_DATA_DIR}"
        yield f"To    {shown(self.addresses[CONFIGURATION])}"
        yield f"      {shown(self.addresses[LOG])} (log records and figures)"
        for label, count in self.rows.items():
            yield f"      {count:>12,} rows: {label}"
        yield (f"For about {self.lasts_s} s control, jobs and the log reader stand still and pages take no changes: "
               "what is typed stays in the page. Servers and agents go on; nothing fails over meanwhile.")


class Mover:
    """``say`` prints a line. Every method raises Unfit, and then nothing was changed."""

    def __init__(self, to: str, log_to: str, password: str, say: Say):
        self.say = say
        self.without_password = installation.addresses(to, log_to)
        self.addresses = {name: kept_databases.with_password(address, password)
                          for name, address in self.without_password.items()}
        self.files = installation.sources()
        self.mark = installation.mark()
        self.run = installation.Run()

    # --- before anything stops ---------------------------------------------------------------------------------

    def plan(self) -> Plan:
        installation.require_unset(os.environ)
        recovery.require_nobody_at_work(settings.PAIRWISE_DATA_DIR)
        if is_behind():
            raise Unfit("The databases are those of an earlier version: start this one once (./run), then move.")
        for address in self.addresses.values():
            target.require_fit(address, self.mark)
        rows = {}
        for file in self.files.values():
            with files.reading(file) as connection:
                rows[file.label] = sum(files.count(connection, table) for table in files.tables(connection))
        return Plan(self.without_password, rows)

    # --- the move ------------------------------------------------------------------------------------------------

    def move(self) -> None:
        self.say("Making the tables there")
        target.set_mark(self.addresses, self.mark)
        self._there("migrate", "--verbosity", "0")
        faults = verify.verify().faults
        kept = Kept(state=MOVING, number=secrets.token_hex(8), addresses=self.addresses,
                    at=datetime.now(UTC).isoformat(timespec="seconds")).by_us(MOVING)
        with recovery.alone(settings.PAIRWISE_DATA_DIR):
            recovery.recover(settings.PAIRWISE_DATA_DIR, self.say)
            kept_databases.write(settings.PAIRWISE_DATA_DIR, kept)
            try:
                self._carry_over(kept, faults)
            except BaseException:
                # Also when somebody pressed Ctrl-C: until the new address is kept, the files count.
                recovery.recover(settings.PAIRWISE_DATA_DIR, self.say, ours=True)
                raise
            recovery.recover(settings.PAIRWISE_DATA_DIR, self.say)
        self._wait_ready()

    def _carry_over(self, kept: Kept, faults: Sequence[str]) -> None:
        self.say("Stopping what writes")
        self.run.wait_standing()
        with files.frozen(list(self.files.values())) as sources:
            self.say("Copying")
            by_alias = {alias: sources[file.label] for alias, file in self.files.items()}
            self._copy(CONFIGURATION, [by_alias[DEFAULT_DB_ALIAS], by_alias[RECORD_ALIAS]])
            self._copy(LOG, [by_alias[LOG_ALIAS]])
            self.say("Verifying history there")
            self._verify(faults)
            history = self._there("move", "--tell", f"Moved the databases from {settings.PAIRWISE_DATA_DIR} to "
                                                    f"{kept.place}.").strip()
            self.say("Switching over")
            for connection in sources.values():
                files.block(connection, f"This database was moved to {kept.place} at {kept.at}.")
                connection.execute("COMMIT")
            # From here on the new ones count, whatever happens to us.
            kept_databases.write(settings.PAIRWISE_DATA_DIR, replace(kept, state=MOVED, history=history))

    def _copy(self, name: str, sources: list) -> None:
        with target.opened(self.addresses[name]) as connection:
            tables = copying.matched(sources, connection)
            rows = copying.copy(connection, tables, self.say)
        self.say(f"  {shown(self.addresses[name])}: {len(tables)} tables, {rows:,} rows, the same by count and digest")

    def _verify(self, faults: Sequence[str]) -> None:
        """Raises Unfit when history is not there what it is here."""
        found = json.loads(self._there("verify_history", "--json", codes=(0, 1)))
        if found["faults"] != list(faults):
            raise Unfit(f"History is not the same there: {' '.join(found['faults'])} Nothing was changed.")

    def _there(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """What a command prints that works with the new databases. Raises Unfit."""
        try:
            return commands.manage(*arguments, addresses=self.addresses, codes=codes)
        except commands.CommandFailed as failed:
            raise Unfit(f"`{arguments[0]}` does not work at {shown(self.addresses[CONFIGURATION])} ({failed}): nothing "
                        "was changed here.") from None

    def _wait_ready(self) -> None:
        wait_ready(self.run, self.say)


def wait_ready(run: installation.Run, say: Say) -> None:
    """Until the console, if one runs, answers with the databases that count now."""
    if not run.runs:
        say("No console runs here: the next ./run works with them.")
        return
    say("Starting the console again")

    def ready() -> bool:
        components = health.ask(run.address, settings.PAIRWISE_TLS_CA)
        return all(run.pid(name) for name in installation.STANDING) and bool(components) and \
            set(components.values()) == {"ok"}

    if run.wait(ready, READY_S):
        say(f"The console is ready: {settings.PAIRWISE_CONSOLE_URL or run.address}")
    else:
        say(f"The console is not ready after {READY_S:g} s; it goes on trying, and its terminal and logs say why.")
