"""How many sign-ins there were, by what came of them: what metrics tell, also of those that History gathers."""

from django.db.models import F

from provisioning.models import SignInCount
from provisioning.states import SignInResult


def count(result: SignInResult, number: int = 1) -> None:
    """Within the transaction that runs."""
    row, _ = SignInCount.objects.get_or_create(result=result)
    SignInCount.objects.filter(pk=row.pk).update(count=F("count") + number)
