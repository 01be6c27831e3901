"""Guide step 5: makes the backup of a pair equal to its primary, but for what is declared as intended."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from provisioning.applications.selectors.applications import application_draft, used_ports
from provisioning.applications.services import applications
from provisioning.applications.services.facts import reserved_ports
from provisioning.applications.services.objects import STORED
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.history.rows import connection_lines
from provisioning.models import Application, PairException
from provisioning.pairs.rules.members import Machine, Member
from provisioning.pairs.rules.synchronization import DIFFERS, EXCEPTION, Comparison, Row, compare, label_of
from provisioning.pairs.selectors.pairs import Pair, get_pair

MAX_NAMED = 12


@dataclass(frozen=True)
class SynchronizePlan:
    """What Synchronize would do (or did). The revisions name the objects that it was made from; ``apply_plan`` wants
    them back."""

    primary: Application
    backup: Application
    comparison: Comparison

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.comparison.rows

    @property
    def copied(self) -> tuple[Row, ...]:
        """What is copied to the backup."""
        return self.comparison.copied

    @property
    def by_hand(self) -> tuple[Row, ...]:
        """Differences that Synchronize leaves to people."""
        return tuple(row for row in self.rows if row.state == DIFFERS and not row.copied)

    @property
    def exceptions(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.state == EXCEPTION)

    @property
    def is_empty(self) -> bool:
        return not self.copied

    @property
    def revisions(self) -> tuple[int, int]:
        return self.primary.revision, self.backup.revision


def plan(*, actor: Actor, application_id: int) -> SynchronizePlan:
    """Compare both members of the pair of ``application_id``; changes nothing. Raises NotFound; Refused when it is no
    member of a pair."""
    actor.require(permissions.VIEW)
    return _plan(get_pair(application_id))


@history.atomic()
def apply_plan(*, actor: Actor, application_id: int, revisions: tuple[int, int], reason: str = "") -> SynchronizePlan:
    """Copy what differs from the primary to the backup, by the rules of a save; returns what was done.

    ``revisions`` are those of the plan that was shown: when somebody saved either member since, nothing is copied and
    Refused says so. Raises Refused (also with what a rule refuses), Conflict, NotFound.
    """
    actor.require(permissions.CONFIGURE)
    pair = get_pair(application_id)
    # Whoever saves a member now waits until the copy is through.
    list(Application.objects.select_for_update().filter(pk__in=[row.pk for row in pair.members]).order_by("pk"))
    pair = get_pair(application_id)
    for row, shown in zip(pair.members, revisions, strict=True):
        if row.revision != shown:
            who = row.changed_by or "an unknown user"
            raise Refused(Refusal(f"{row.name} was saved by {who} after this plan was made. Nothing was copied. "
                                  "Look at the new plan.", "", (row.link,)))
    done = _plan(pair)
    if not done.is_empty:
        names = ", ".join(row.label for row in done.copied[:MAX_NAMED])
        more = f" and {len(done.copied) - MAX_NAMED} more" if len(done.copied) > MAX_NAMED else ""
        applications.update_application(
            actor=actor, application_id=pair.backup.pk, revision=pair.backup.revision, draft=done.comparison.draft,
            reason=f"Synchronized from {pair.primary.name}: {names}{more}. {reason}".strip())
    return done


@history.atomic()
def declare_exception(*, actor: Actor, application_id: int, what: str, reason: str) -> PairException:
    """Declare that the members may differ in ``what`` (``Row.what`` of a plan, or the part before one of its dots).
    Raises Refused, NotFound."""
    actor.require(permissions.CONFIGURE)
    pair, reason = get_pair(application_id), " ".join(reason.split())
    refusals = []
    if not reason or len(reason) > (PairException._meta.get_field("reason").max_length or 0):
        refusals.append(Refusal("Say in at most 1024 characters why the members may differ there.", "reason"))
    rows = _plan(pair).rows
    label = label_of(what, rows)
    if not any(row.what == what or row.what.startswith(f"{what}.") for row in rows):
        refusals.append(Refusal(f'Neither {pair.primary.name} nor {pair.backup.name} has "{label}". Choose a row of '
                                "the plan.", "what"))
    if refusals:
        raise Refused(*refusals)
    try:
        with transaction.atomic():
            row = PairException.objects.create(primary=pair.primary, what=what, reason=reason, declared_by=actor.name)
    except IntegrityError:
        raise Refused(Refusal(f"{label} is an exception already.", "what")) from None
    _told(actor, pair, f"Added an exception: {pair.primary.name} and {pair.backup.name} may differ in {label}. "
                       f"{reason}")
    return row


@history.atomic()
def withdraw_exception(*, actor: Actor, exception_id: int) -> None:
    """The members are to be equal there again. Raises NotFound."""
    actor.require(permissions.CONFIGURE)
    row = get_exception(exception_id)
    label = label_of(row.what, _rows_of(row.primary_id))
    row.delete()
    history.record_verb(actor=actor, row=row.primary,
                        reason=f"Withdrew the exception for {label} of its pair ({row.reason}).")
    changes.tell(f"application:{row.primary_id}")


def get_exception(exception_id: int) -> PairException:
    """With its primary. Raises NotFound."""
    row = PairException.objects.select_related("primary").filter(pk=exception_id).first()
    if row is None:
        raise NotFound("This exception does not exist any more. Somebody may have withdrawn it.")
    return row


def _rows_of(primary_id: int) -> tuple[Row, ...]:
    """Nothing of what was a pair and is none any more."""
    try:
        return _plan(get_pair(primary_id)).rows
    except Refused:
        return ()


def _told(actor: Actor, pair: Pair, sentence: str) -> None:
    history.record_verb(actor=actor, row=pair.primary, reason=sentence)
    changes.tell(*(f"application:{row.pk}" for row in pair.members))


def _plan(pair: Pair) -> SynchronizePlan:
    declared = PairException.objects.filter(primary=pair.primary).values_list("what", "reason")
    primary, backup = map(_member, pair.members)
    found = compare(primary, backup, exceptions=dict(declared), taken=_taken(pair.backup))
    return SynchronizePlan(pair.primary, pair.backup, found)


def _member(row: Application) -> Member:
    """With secrets in plain text, as a save wants them, and of the rows that are held until the copy is through."""
    draft = application_draft(row, masked=False)
    texts = connection_lines(draft.connections or (), STORED.names(
        Application, (each.server_id for each in draft.connections or ())))
    host = Machine(id=row.host.pk, name=row.host.name) if row.host else None
    return Member(id=row.pk, draft=draft, host=host, template=row.template.name, version=row.version, connections=texts)


def _taken(backup: Application) -> frozenset[int]:
    own = {port.port for port in backup.ports.all()}
    if backup.host is None:
        return frozenset(own)
    return frozenset({*own, *used_ports(backup.host.pk), backup.host.lca_port,
                      *(number for number, _ in reserved_ports(backup.host))})
