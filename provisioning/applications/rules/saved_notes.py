"""What of an application that was saved does not count, or not before the server's next start. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.catalog.known_options import ANNEX, KnownOptions, unknown_options
from provisioning.declared import at_start
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.states import ALIVE, RUNNABLE_TYPES

from .fields import NOT_YET_INSTALLED

KEPT_TYPE = ("Pairwise keeps the configuration of this type, and installs and starts Message Servers only: "
             "Auto-Restart and the timeouts have no effect.")
KEPT_ONLY = "Pairwise keeps the configuration of {}, and installs and starts Message Servers only."


def notes(known: KnownOptions, before: ApplicationDraft | None, after: ApplicationDraft, status: str,
          kind: str) -> list[str]:
    """A sentence for each option that the server ignores, and one for what waits for its next start. ``before`` is None
    for a new object; ``status`` is the word of the server's status; ``kind`` its type."""
    found = [KEPT_ONLY.format(after.name)] if before is None and kind not in RUNNABLE_TYPES else []
    found += [*unknown_options(known, after.options or {}), *unknown_options(ANNEX, after.annex or {})]
    if before is not None and is_set_back(before, after):
        found.append(f"{after.name} is not installed on its new Host: Working Directory, Command Line and Command Line "
                     "Arguments were set back. Press Install.")
    waiting = waits_for_start(before, after) if before is not None and status in ALIVE else []
    return [*found, waiting_sentence(waiting, after.name, status)] if waiting else found


def is_set_back(before: ApplicationDraft, after: ApplicationDraft) -> bool:
    """True when a change of Host took away what an installation had filled in."""
    return before.host_id != after.host_id and after.command_line == NOT_YET_INSTALLED != before.command_line


def waits_for_start(before: ApplicationDraft, after: ApplicationDraft) -> list[str]:
    """Labels of what differs between two complete drafts and counts from the next start only: options are read while
    the server runs, timeouts and Auto-Restart by the agent."""
    labels = [label for name, label in at_start(ApplicationDraft).items()
              if getattr(before, name) != getattr(after, name)]
    if _bound(before.ports) != _bound(after.ports):
        labels.append("Listening Ports")
    return labels


def _bound(ports: Iterable[PortDraft] | None) -> list[tuple[object, ...]]:
    """What of the ports a server looks at when it binds them."""
    return [tuple(getattr(port, name) for name in at_start(PortDraft)) for port in ports or ()]


def waiting_sentence(labels: list[str], name: str, status: str) -> str:
    """``labels`` (at least one) of what ``name`` does not use yet."""
    *first, last = labels
    what = f"{', '.join(first)} and {last}" if first else last
    verb = "take" if first or last.endswith("s") else "takes"
    return f"{what} {verb} effect at the next start of {name}, which is {status} now."


def ports_differ(configured: Iterable[tuple[str, int]], reported: Iterable[Any]) -> bool:
    """Whether a server that runs holds other ports than its object has; ``reported`` as in RuntimeStatus.ports."""
    held = {(str(port.get("id")), port.get("port")) for port in reported if isinstance(port, Mapping)}
    return bool(held) and held != set(configured)
