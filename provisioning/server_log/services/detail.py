"""More detail in the log of a server for a while: the option is changed as people do it, and changed back."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services.applications import update_application
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, NotFound, Refused
from provisioning.history import history
from provisioning.models import Application, MoreDetail
from provisioning.states import Role

log = logging.getLogger(__name__)

MINUTES = 15
LASTS = timedelta(minutes=MINUTES)
SECTION, KEY, ALL = "log", "verbose", "all"
LONGEST_VALUE = 255


@history.atomic()
def begin(*, actor: Actor, application_id: int) -> MoreDetail:
    """The server writes everything into its log until LASTS from now; asked for again it lasts longer. Raises NotFound,
    Refused, Conflict."""
    actor.require(permissions.CONFIGURE)
    row = get_application(application_id)
    if not row.is_runnable:
        raise Refused(f"{row.name} is none that Pairwise starts, so its log is not changed from here.")
    found, former = MoreDetail.objects.filter(application=row).first(), _verbose(row)
    if found is None and former == ALL:
        raise Refused(f"The option verbose in [log] of {row.name} is all already.")
    if former is not None and len(former) > LONGEST_VALUE:
        raise Refused(f"The option verbose in [log] of {row.name} is too long to be kept. Correct it first.")
    _set(actor, row, ALL, f"More detail in the log for {MINUTES} minutes.")
    until, set_by = timezone.now() + LASTS, actor.name[:150]
    kept = {} if found else {"former": former or "", "was_set": former is not None}
    return MoreDetail.objects.update_or_create(
        application=row, defaults={"until": until, "set_by": set_by},
        create_defaults={"until": until, "set_by": set_by, **kept})[0]


@history.atomic()
def end(*, actor: Actor, application_id: int) -> bool:
    """Back to what it was, as far as nobody has changed it meanwhile; False when it is so already. Raises NotFound,
    Refused, Conflict."""
    actor.require(permissions.CONFIGURE)
    row = get_application(application_id)
    found = MoreDetail.objects.filter(application=row).first()
    if found is None:
        return False
    if _verbose(row) == ALL:
        _set(actor, row, found.former if found.was_set else None, "The log is back to normal.")
    found.delete()
    return True


def end_due(now: datetime | None = None) -> int:
    """End what has lasted long enough; how many it were. What cannot be ended now is tried again the next time."""
    ended = 0
    for found in MoreDetail.objects.filter(until__lte=now or timezone.now()).select_related("application"):
        actor = Actor(name=f"more detail of {found.set_by}"[:150], roles=frozenset({str(Role.ADMINISTRATOR)}),
                      origin="end of its time")
        try:
            ended += end(actor=actor, application_id=found.application_id)
        except (Conflict, NotFound, Refused) as error:
            log.warning("the log of %s is not back to normal yet: %s", found.application, error)
    return ended


def _set(actor: Actor, row: Application, value: str | None, reason: str) -> None:
    """``None`` takes the option away."""
    draft = application_draft(row)
    options = {section: dict(keys) for section, keys in (draft.options or {}).items()}
    section, key = _place(options)
    keys = options.setdefault(section, {})
    if value is None:
        keys.pop(key, None)
    else:
        keys[key] = value
    update_application(actor=actor, application_id=row.pk, revision=row.revision,
                       draft=replace(draft, options={name: keys for name, keys in options.items() if keys}),
                       reason=reason)


def _place(options: dict[str, dict[str, str]]) -> tuple[str, str]:
    """(section, key) of the option as they are spelled there."""
    section = next((name for name in options if name.casefold() == SECTION), SECTION)
    return section, next((name for name in options.get(section, ()) if name.casefold() == KEY), KEY)


def _verbose(row: Application) -> str | None:
    """The option as it is stored, None when it is not there."""
    options = row.options_dict()
    section, key = _place(options)
    return options.get(section, {}).get(key)
