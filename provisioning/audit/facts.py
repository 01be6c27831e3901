"""What the rules of the audit look at: frozen values of one pair, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from provisioning.applications.rules.fields import normal_directory
from provisioning.catalog.known_options import KnownOptions
from provisioning.core import ages
from provisioning.errors import Link
from provisioning.jobs.found import Found
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.failover import CONDITION
from provisioning.pairs.rules.failover_facts import Condition
from provisioning.pairs.rules.members import Member
from provisioning.pairs.rules.synchronization import DIFFERS, Comparison, Row, alike, compare

from .logins import NO_LOGINS, Logins


class Hints:
    """What a template says of options that a server would ignore; asked once for each, however many servers have it."""

    def __init__(self, known: KnownOptions):
        self._known = known
        self._found: dict[tuple[str, str], str] = {}

    def of(self, section: str, key: str) -> str:
        """A sentence for an option that the server ignores, "" for one that it reads."""
        found = self._found.get((section, key))
        if found is None:
            found = self._found[section, key] = self._known.hint(section, key)
        return found


@dataclass(frozen=True, kw_only=True)
class AuditedMember(Member):
    """A member, its draft with fingerprints for secret values, and as a job found it on its host (``found``, None when
    none ever looked). ``longest_start_s``: the longest of its recent starts; ``flaps``: how often control told lately
    that its role changes too often; ``primaries``: who names it as Backup Server."""

    hints: Hints | None = None
    found: Found | None = None
    longest_start_s: float | None = None
    flaps: int = 0
    primaries: tuple[Link, ...] = ()
    logins: Logins = NO_LOGINS
    waits: tuple[str, ...] = ()
    """Labels of what was changed and counts from its next start only."""

    @property
    def directory(self) -> str:
        """Working Directory in one spelling, "" for the placeholder."""
        return normal_directory(self.draft.working_directory, self.host.os_type if self.host else "Linux")

    def option(self, section: str, key: str) -> str | None:
        """Value of an option whatever its case and whether it is spelt with ``-`` or ``_``; None when not set."""
        def plain(text: str) -> str:
            return text.casefold().replace("_", "-")

        return next((value for name, keys in (self.draft.options or {}).items() if name.casefold() == section.casefold()
                     for each, value in keys.items() if plain(each) == plain(key)), None)


@dataclass(frozen=True, kw_only=True)
class AuditFacts(PairFacts):
    """One pair, or a single Message Server (``backup`` None). ``servers``: (host, port) of every Configuration Server;
    ``agent_build``: of the agent that the console hands out; ``drill``: the sentence of a last drill that failed,
    "" else; ``log_to``: the application that is chosen to collect log records, of any pair; ``own_log_pairs``:
    the id of the primary of the pair that an application publishes to instead, by its id."""

    primary: AuditedMember
    backup: AuditedMember | None = None
    exceptions: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[tuple[str, int], ...] = ()
    agent_build: str = ""
    drill: str = ""
    log_to: Link | None = None
    own_log_pairs: Mapping[int, int] = field(default_factory=dict)

    @property
    def members(self) -> tuple[AuditedMember, ...]:
        return (self.primary, self.backup) if self.backup else (self.primary,)

    @property
    def both(self) -> tuple[AuditedMember, AuditedMember]:
        """Primary and Backup Server, for rules that are judged of pairs alone."""
        if self.backup is None:
            raise ValueError(f"{self.primary.name} has no Backup Server")
        return self.primary, self.backup

    @property
    def record_reason(self) -> str:
        """Without its age: what a rule says stays the same as long as nothing changes."""
        return self.reason

    @property
    def on_one_host(self) -> bool:
        """True when both members have the same Host."""
        return bool(self.backup and self.primary.host and self.backup.host
                    and self.primary.host.id == self.backup.host.id)

    @cached_property
    def comparison(self) -> Comparison | None:
        """What Synchronize would do, None for a single server."""
        if self.backup is None:
            return None
        return compare(self.primary, self.backup, exceptions=self.exceptions)

    @cached_property
    def differences(self) -> tuple[Row, ...]:
        """Rows of the comparison that differ and that nobody declared to be intended."""
        found = self.comparison if self.backup and not alike(self.primary, self.backup) else None
        return tuple(row for row in found.rows if row.state == DIFFERS) if found else ()

    def condition(self, code: str) -> Condition:
        """One condition of "would failover work now?" about the pair."""
        return CONDITION[code](self)

    def found_at(self, member: AuditedMember) -> Found | None:
        """What a job found on the member's host, None when that is not known any more."""
        found = member.found
        if found is None or self.now - found.at > ages.FOUND or member.host is None or found.host_id != member.host.id:
            return None
        return found if member.host.answers(self.now) else None
