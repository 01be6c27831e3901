"""What the console worker does about API tokens by itself."""

from django.db import transaction
from django.utils import timezone

from protocol.events import Own
from provisioning.accounts.rules.tokens import SOON
from provisioning.core.events import of_console
from provisioning.models import ApiToken

AT_ONCE, NAMED = 200, 10
"""Tokens of one event, and how many of these it names; how many more there are is said."""


@transaction.atomic
def tell_what_expires() -> None:
    """Once of each token that is good and expires soon."""
    now = timezone.now()
    due = ApiToken.objects.filter(told_at=None, enabled=True, owner__is_active=True, expires_at__gt=now,
                                  expires_at__lte=now + SOON)
    rows = list(due.select_related("owner").order_by("expires_at", "id")[:AT_ONCE])
    if not rows:
        return
    names = [f"{row} of {row.owner} at {row.expires_at:%Y-%m-%d %H:%M} UTC" for row in rows[:NAMED]]
    more = f", and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    # The worker of another machine may tell it at this moment.
    if ApiToken.objects.filter(pk__in=[row.pk for row in rows], told_at=None).update(told_at=now):
        of_console(Own.TOKEN_ENDS, f"API tokens expire: {', '.join(names)}{more}.").save()
