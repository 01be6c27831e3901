"""Pairs: both members of one, found from either."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from provisioning.applications.rules.saved_notes import KEPT_ONLY
from provisioning.applications.selectors.applications import find_application, get_application, with_related
from provisioning.core.copies import equal, lag
from provisioning.errors import Refusal, Refused
from provisioning.models import Application, PairState
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.members import Member
from provisioning.pairs.rules.story import no_pair
from provisioning.states import RUNNABLE_TYPES


def has_backup(primary: str = "") -> Q:
    """The primaries of pairs: of two servers that Pairwise only keeps it decides nothing. ``primary``: the way to the
    application, with "__" at its end."""
    return Q(**{f"{primary}type__in": RUNNABLE_TYPES, f"{primary}backup_server__isnull": False})


def primaries(*, text: str = "", paused: bool = False) -> QuerySet[Application]:
    """The primaries of pairs, as rows of ``applications.selectors.applications``. ``text`` is in the name of a member;
    ``paused``: only those whose automatic failover is paused."""
    found = with_related(Application.objects.filter(has_backup()))
    if text:
        found = found.filter(Q(name__holds=text) | Q(backup_server__name__holds=text))
    return found.filter(pair_state__automatic_failover=False) if paused else found


class OfPair:
    """Whatever is about a pair, or about a server without a Backup Server (``backup`` None)."""

    primary: Application
    backup: Application | None

    @property
    def pk(self) -> int:
        return self.primary.pk

    @property
    def members(self) -> list[Application]:
        return [row for row in (self.primary, self.backup) if row]

    @property
    def name(self) -> str:
        return " ⇄ ".join(row.name for row in self.members)


@dataclass(frozen=True)
class Pair:
    """A server with a Backup Server and that backup, each a row of a list of applications. Primary and backup say how
    the pair is configured; ``active`` and ``standby`` what control last recorded, None before its first word."""

    primary: Application
    backup: Application

    @property
    def id(self) -> int:
        return self.primary.pk

    @property
    def members(self) -> tuple[Application, Application]:
        return self.primary, self.backup

    @property
    def state(self) -> PairState | None:
        return getattr(self.primary, "pair_state", None)

    @property
    def active(self) -> Application | None:
        active_id = self.state.active_id if self.state else None
        return next((row for row in self.members if row.pk == active_id), None)

    @property
    def standby(self) -> Application | None:
        active = self.active
        return None if active is None else self.other(active)

    def other(self, member: Application) -> Application:
        return self.backup if member.pk == self.primary.pk else self.primary


def get_pair(application_id: int) -> Pair:
    """The pair of this application, whichever member it is. Raises NotFound; Refused when it has no partner, or is of a
    type that Pairwise only keeps."""
    return _pair_of(get_application(application_id))


def find_pair(name: str) -> Pair:
    """The pair of the application of this name. Raises as ``get_pair``."""
    return _pair_of(find_application(name))


def _pair_of(row: Application) -> Pair:
    if not row.is_runnable:
        raise Refused(only_kept(row))
    if row.backup_server_id is not None:
        return Pair(row, get_application(row.backup_server_id))
    primary = getattr(row, "primary_server", None)
    if primary is None:
        raise _refused(row)
    return Pair(get_application(primary.pk), row)


def paired(facts: PairFacts) -> PairFacts:
    """``facts``, when there is a Backup Server in them. Raises Refused."""
    if facts.backup is None:
        raise _refused(facts.primary)
    return facts


def _refused(server: Application | Member) -> Refused:
    return Refused(Refusal(no_pair(server.name), "", (server.link,)))


def only_kept(*rows: Application) -> Refusal:
    """Why nothing is done to these, as members of a pair, that Pairwise only keeps."""
    return Refusal(KEPT_ONLY.format(" and ".join(row.name for row in rows)), "", tuple(row.link for row in rows))


def lag_of(pair: Pair) -> int | None:
    """Records that the active server has and its standby is not known to have; None when nobody can tell."""
    active, standby = (getattr(row, "runtime", None) for row in (pair.active, pair.standby))
    return lag(active.last_seq, standby.common_seq) if active and standby else None


def _runtimes(pair: Pair) -> list:
    return [runtime for row in pair.members if (runtime := getattr(row, "runtime", None))]


def common_seq_of(pair: Pair) -> int:
    """The last record that both members say they share; 0 before they met."""
    found = _runtimes(pair)
    return min(runtime.common_seq for runtime in found) if len(found) == 2 else 0


def digests_equal_of(pair: Pair) -> bool | None:
    """True when both copies are proven equal up to their last common record; None when they cannot be compared."""
    found = _runtimes(pair)
    return equal(*found) if len(found) == 2 else None


def member_names(name: str) -> tuple[str, ...]:
    """Of the pair of which a member has this name, the primary first; of anything else ``name`` alone."""
    row = Application.objects.filter(name=name).select_related("backup_server", "primary_server").only(
        "name", "backup_server__name", "primary_server__name").first()
    primary = getattr(row, "primary_server", None) or row
    backup = row if primary is not row else getattr(row, "backup_server", None)
    return (name,) if primary is None else tuple(each.name for each in (primary, backup) if each)
