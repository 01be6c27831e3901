"""Log to: which pair takes the log records of the console, and has its records read."""

from django.utils import timezone

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Difference, NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.logs.selectors.reader import TOPIC
from provisioning.logs.selectors.setting import chosen
from provisioning.models import Application, Console
from provisioning.states import RUNNABLE_TYPES

LABEL, NOBODY = "Log to", "none"
FIELD = "log_to"


def mark_of(setting: Console) -> str:
    """What is chosen, for ``choose`` to know it again."""
    return str(setting.log_to_id or NOBODY)


def name_of(row: Application | None) -> str:
    return row.name if row else NOBODY


def refusals(row: Application | None, primary: Application | None) -> list[Refusal]:
    """Why log records cannot be sent to ``row``, the Backup Server of ``primary`` or, for None, of nobody."""
    if row is None:
        return []
    if row.type not in RUNNABLE_TYPES:
        return [Refusal(f"{row.name} is a {row.get_type_display()}. Only a Message Server takes log records.", FIELD,
                        (row.link,))]
    if primary is not None:
        return [Refusal(f"{row.name} is the Backup Server of {primary.name}. Choose {primary.name}: whichever of the "
                        "two serves takes the records.", FIELD, (primary.link,))]
    return []


def choose(*, actor: Actor, application_id: int | None, seen: str | None = None) -> Application | None:
    """Log to the pair of this primary from now on, to nobody for None. ``seen``: ``mark_of`` what was chosen when this
    was asked for, None where nobody looked. Raises Refused, Conflict, NotFound."""
    actor.require(permissions.CONFIGURE)
    row = _row(application_id)
    if found := refusals(row, getattr(row, "primary_server", None)):
        raise Refused(*found)
    with history.atomic():
        Console.this()
        # Who chooses at the same moment waits, and then finds this.
        console = Console.objects.select_for_update().get(pk=1)
        before = _row(console.log_to_id)
        if seen is not None and seen != mark_of(console) != str(application_id or NOBODY):
            raise _conflict(console, before, row)
        if console.log_to_id == application_id:
            return row
        console.log_to, console.log_to_by, console.log_to_at = row, actor.name[:150], timezone.now()
        console.save(update_fields=["log_to", "log_to_by", "log_to_at"])
        history.record_verb(actor=actor, row=console, reason=f"{LABEL}: {name_of(before)} → {name_of(row)}.")
        changes.tell(TOPIC, applications=[each.name for each in (before, row) if each is not None])
    return row


def _row(key: int | None) -> Application | None:
    if key is None:
        return None
    row = Application.objects.select_related("primary_server").defer("secret", "primary_server__secret").filter(
        pk=key).first()
    if row is None:
        raise NotFound("There is no such application (any more).")
    return row


def _conflict(console: Console, theirs: Application | None, yours: Application | None) -> Conflict:
    return Conflict(
        f"{console.log_to_by} chose another pair while you were choosing one. Compare, then keep yours or take theirs.",
        revision=0, saved_by=console.log_to_by, saved_at=console.log_to_at,
        differences=(Difference(FIELD, LABEL, name_of(theirs), name_of(yours)),))


def seen_now() -> str:
    """``mark_of`` what is chosen now."""
    return mark_of(chosen())
