"""What the last look found on a host, as its page tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.template.defaultfilters import filesizeformat

from provisioning.hosts.rules.ladder import DISK_RISK_BYTES
from provisioning.jobs.facts import StartFiles, Wanted
from provisioning.jobs.found import Found, FoundFile, found_from
from provisioning.jobs.selectors.start_files import of_look, server_address
from provisioning.models import Application, FoundOnHost, Host
from provisioning.spelling import by_name


@dataclass(frozen=True)
class Fact:
    """``good``: False for what is wrong whatever is configured."""

    label: str
    text: str
    good: bool = True


@dataclass(frozen=True)
class Looked:
    """``names``: of the whole host; ``rows``: of each application, out of ``total``."""

    at: datetime
    rows: tuple[tuple[Application, tuple[Fact, ...]], ...]
    names: tuple[Fact, ...]
    total: int


def looked_at(host: Host, limit: int | None) -> Looked | None:
    """What was last found on ``host``, of up to ``limit`` applications (None: of all); None when nobody has looked
    yet."""
    stored = FoundOnHost.objects.filter(host=host, application__host=host)
    rows = list(stored.select_related("application").order_by(*by_name("application__name"))[:limit])
    if not rows:
        return None
    found = [(row.application, found_from(row.body, at=row.at, host_id=host.pk, start_files=_start_files(row, host)))
             for row in rows]
    return Looked(max(each.at for _, each in found), tuple((row, facts_of(each)) for row, each in found),
                  names_of(each for _, each in found), stored.count() if len(rows) == limit else len(rows))


def _start_files(row: FoundOnHost, host: Host) -> StartFiles | None:
    wanted = Wanted(row.application.name, host.name, row.application.working_directory, server_address())
    return of_look(row.body, wanted, host=host.name, at=row.at)


def facts_of(found: Found) -> tuple[Fact, ...]:
    """What is told of one application."""
    facts = [*_file("Working Directory", found.directory), *_file("Program", found.program)]
    if found.runs is not None:
        facts.append(Fact("Version", found.version or found.runs_problem or "It did not say one.", found.runs))
    if found.start_files is not None:
        facts += [Fact(file.name, file.sentence, file.starts) for file in found.start_files.files]
    if found.changed is not None:
        facts.append(Fact("Installed files", f"Changed: {', '.join(found.changed)}" if found.changed else
                          "As the package shipped them", not found.changed))
    process = found.process
    facts.append(Fact("Process", f"{process.pid} as {process.account}" if process else "None runs"))
    facts += [Fact(f"Port {port}", f"Taken by {who}", good=False) for port, who in sorted(found.listeners.items())
              if who]
    if found.disk_free_bytes is not None:
        facts.append(Fact("Free disk space", filesizeformat(found.disk_free_bytes),
                          found.disk_free_bytes >= DISK_RISK_BYTES))
    return tuple(facts)


def _file(label: str, found: FoundFile | None) -> list[Fact]:
    if found is None:
        return []
    if not found.present or not found.usable:
        return [Fact(label, found.problem or "Not there", good=False)]
    return [Fact(label, f"{found.path}, belongs to {found.owner}")]


def names_of(found: Iterable[Found]) -> tuple[Fact, ...]:
    """Names and clock, once for the whole host."""
    names: dict[str, Fact] = {}
    clock = None
    for each in found:
        clock = each.clock_synchronized if each.clock_synchronized is not None else clock
        for name, addresses in (each.names or {}).items():
            names[name] = Fact(f"Name {name}", ", ".join(addresses) or "Does not resolve", bool(addresses))
        for address, name in (each.reverse or {}).items():
            names[address] = Fact(f"Address {address}", name or "Has no name")
    facts = tuple(names[key] for key in sorted(names))
    if clock is None:
        return facts
    return (*facts, Fact("Clock", "Follows a time server" if clock else "Follows no time server"))
