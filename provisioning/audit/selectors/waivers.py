"""Waivers with how they stand: at work, ending soon, ended by hand or by themselves."""

from datetime import date

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from provisioning.audit.story import SOON
from provisioning.errors import NotFound
from provisioning.models import Finding, Waiver
from provisioning.spelling import by_name

ACTIVE, SOON_STATE, ENDED = "active", "soon", "ended"


def waivers() -> QuerySet[Waiver]:
    """Every waiver with ``now_fact``: fingerprint of what is found now under its code and subject, None for nothing."""
    now = Finding.objects.filter(audit__primary=OuterRef("primary"), audit__is_latest=True, code=OuterRef("code"),
                                 subject=OuterRef("subject")).values("fact")[:1]
    return Waiver.objects.select_related("primary__backup_server").annotate(now_fact=Subquery(now))


def waiver_list(*, today: date, state: str = "", text: str = "", rule: str = "") -> QuerySet[Waiver]:
    """Waivers: of one ``state`` (active, soon) the next to end first; ended or all of them the latest first."""
    found = waivers()
    if text:
        found = found.filter(Q(primary__name__holds=text) | Q(primary__backup_server__name__holds=text)
                             | Q(reason__holds=text) | Q(waived_by__holds=text))
    if rule:
        found = found.filter(code=rule)
    holds = Q(ended_at=None, expires_on__gte=today, now_fact=F("fact"))
    if state == ENDED:
        return found.exclude(pk__in=waivers().filter(holds).values("pk")).order_by("-id")
    if state:
        found = found.filter(holds)
    if state == SOON_STATE:
        found = found.filter(expires_on__lte=today + SOON)
    return found.order_by("expires_on", *by_name("primary__name"), "id") if state else found.order_by("-id")


def get_waiver(waiver_id: int) -> Waiver:
    """Raises NotFound."""
    row = waivers().filter(pk=waiver_id).first()
    if row is None:
        raise NotFound("This waiver does not exist any more. Its pair may have been deleted.")
    return row
