"""Secrets of second factors, encrypted anew when the console's key is rotated."""

from django.apps import apps

from provisioning.accounts.selectors.factor_secrets import NAMES
from provisioning.keys import keys, mark_in


def encrypt_again(some: list[int]) -> None:
    """With the present key, within the transaction that runs: the rows of these keys. Raises WrongKey."""
    rows = list(apps.get_model("mfa", "Authenticator").objects.select_for_update().filter(pk__in=some))
    for row in rows:
        row.data |= {name: keys().encrypt(keys().decrypt(row.data[name])) for name in NAMES
                     if name in row.data and mark_in(row.data[name]) != keys().marks[0]}
        row.save(update_fields=["data"])
