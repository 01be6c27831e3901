"""Secrets of second factors in the Configuration Database, and which key each was encrypted with. allauth keeps them
within its own rows, so they are no column of ours (``models.encryption``)."""

from collections import Counter
from collections.abc import Iterator

from django.apps import apps

from provisioning.keys import mark_in

NAMES = ("secret", "seed")
"""Under which a row has one: of an authenticator app, of recovery codes."""


def marks() -> Counter[str]:
    """{mark of a key: how many secrets need it}."""
    return Counter(mark_in(text) for _, text in _secrets())


def others(mark: str) -> list[int]:
    """Keys of the rows whose secret was encrypted with another key than that of ``mark``."""
    return [pk for pk, text in _secrets() if mark_in(text) != mark]


def _secrets() -> Iterator[tuple[int, str]]:
    """(key of the row, what is stored); of processes that let nobody in none, as they do not have the rows."""
    if not apps.is_installed("allauth.mfa"):
        return
    for pk, data in apps.get_model("mfa", "Authenticator").objects.order_by("pk").values_list("pk", "data"):
        yield from ((pk, data[name]) for name in NAMES if isinstance(data.get(name), str))
