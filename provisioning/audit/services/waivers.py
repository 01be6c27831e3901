"""Waivers: findings that somebody accepts for a time, with a reason. They are still evaluated, and shown as waived."""

from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.audit.selectors.audits import get_finding, still_there
from provisioning.audit.selectors.waivers import get_waiver
from provisioning.audit.story import standing
from provisioning.core.permissions import WAIVE, Actor
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import Finding, Waiver

from .audits import audit_again

REASON_MIN = 3
LONGEST = timedelta(days=366)
"""The last day of a waiver is at most so far ahead: what is accepted for longer should be mended or configured."""


def waive(*, actor: Actor, primary_id: int, finding_id: int, reason: str, expires_on: date) -> Waiver:
    """Accept a finding of this pair until ``expires_on`` (the last day, UTC), as long as what is found stays the same.
    The pair is audited again. ``finding_id`` may be of an earlier result that says the same. Raises NotFound, Refused.
    """
    actor.require(WAIVE)
    reason, today = " ".join(reason.split()), timezone.now().date()
    refusals = _refusals(reason, expires_on, today)
    if refusals:
        raise Refused(*refusals)
    with transaction.atomic():
        finding = _current(get_finding(primary_id, finding_id))
        row = _replace(actor, finding, reason, expires_on, today)
        history.record_verb(actor=actor, row=finding.audit.primary, reason=(
            f"Waived {row.code} ({row.subject}) until {row.expires_on:%Y-%m-%d}: {row.reason}"))
        audit_again(primary_id, actor=actor)
    return row


def withdraw(*, actor: Actor, waiver_id: int) -> Waiver:
    """The finding counts again. The pair is audited again. Raises NotFound; Refused when it was withdrawn before."""
    actor.require(WAIVE)
    with transaction.atomic():
        ended = Waiver.objects.filter(pk=waiver_id, ended_at=None).update(ended_at=timezone.now(),
                                                                          ended_by=actor.name[:150])
        row = get_waiver(waiver_id)
        if not ended:
            raise _over(row)
        history.record_verb(actor=actor, row=row.primary, reason=(
            f"Withdrew the waiver of {row.code} ({row.subject}), which was to hold until {row.expires_on:%Y-%m-%d}."))
        audit_again(row.primary_id, actor=actor)
    return row


def get_standing(waiver_id: int) -> Waiver:
    """A waiver that can be withdrawn. Raises NotFound; Refused when it was withdrawn before."""
    row = get_waiver(waiver_id)
    if row.ended_at is not None:
        raise _over(row)
    return row


def _over(row: Waiver) -> Refused:
    return Refused(f"The waiver of {row.code} has ended already"
                   f"{f': {row.ended_by} withdrew it' if row.ended_by else ''}. Nothing is left to withdraw.")


def _refusals(reason: str, expires_on: date, today: date) -> list[Refusal]:
    found = []
    longest = Waiver._meta.get_field("reason").max_length or 0
    if not REASON_MIN <= len(reason) <= longest:
        found.append(Refusal(f"Say in {REASON_MIN} to {longest} characters why the finding is accepted.", "reason"))
    if expires_on < today:
        found.append(Refusal(f"The last day of a waiver cannot be past. Choose {today:%Y-%m-%d} or later.",
                             "expires_on"))
    elif expires_on > today + LONGEST:
        found.append(Refusal(f"A waiver lasts a year at most. Choose {today + LONGEST:%Y-%m-%d} or earlier, and look "
                             "at it again then.", "expires_on"))
    return found


def _current(finding: Finding) -> Finding:
    """What is found now in the place of ``finding``. Raises Refused when that is another thing."""
    now, primary = still_there(finding), finding.audit.primary
    if now is None:
        raise Refused(Refusal(f"{finding.code} is not found any more in the pair of {primary.name}: there is nothing "
                              "to waive. Look at its sheet again.", "", (primary.link,)))
    if now.fact != finding.fact:
        raise Refused(Refusal(f"What {finding.code} finds in the pair of {primary.name} changed meanwhile: "
                              f"{now.sentence} Look at its sheet again before you waive it.", "", (primary.link,)))
    return now


def _replace(actor: Actor, finding: Finding, reason: str, expires_on: date, today: date) -> Waiver:
    """One waiver at work a thing: those that ended by themselves give way, one that holds does not."""
    same = Waiver.objects.select_for_update().filter(
        primary=finding.audit.primary, code=finding.code, subject=finding.subject, ended_at=None)
    for row in same:
        if standing(today=today, expires_on=row.expires_on, fact=row.fact, now_fact=finding.fact).holds:
            raise Refused(_waived_already(row))
    same.update(ended_at=timezone.now(), ended_by="")
    try:
        with transaction.atomic():
            return Waiver.objects.create(
                primary=finding.audit.primary, code=finding.code, subject=finding.subject, fact=finding.fact,
                sentence=finding.sentence, reason=reason, expires_on=expires_on, waived_by=actor.name[:150])
    except IntegrityError:
        raise Refused(_waived_already(same.get())) from None


def _waived_already(row: Waiver) -> str:
    return (f"{row.waived_by} waived {row.code} already, until {row.expires_on:%Y-%m-%d}: {row.reason} Withdraw that "
            "waiver first.")
