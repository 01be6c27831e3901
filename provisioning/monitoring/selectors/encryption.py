"""Which keys the values in the Configuration Database were encrypted with, without opening one of them."""

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, Model
from django.db.models.functions import Substr

from provisioning.accounts.selectors import factor_secrets
from provisioning.keys import MARK_CHARACTERS, SEPARATOR, keys
from provisioning.models.encryption import as_stored, encrypted_fields


def marks() -> Counter[str]:
    """{mark of a key: how many values need it}. What a former version encrypted, before the migration, is not there."""
    found = factor_secrets.marks()
    for model, name in encrypted_fields():
        begin = Substr(as_stored(name), 1, MARK_CHARACTERS + 1)
        stored = model._default_manager.exclude(**{f"{name}__isnull": True})
        rows = stored.annotate(begin=begin).order_by().values_list("begin")
        for text, count in rows.annotate(count=Count("pk")):
            if text.endswith(SEPARATOR):
                found[text[:-1]] += count
    return found


def others(model: type[Model], name: str, mark: str) -> Iterable[int]:
    """Primary keys of the rows whose value was encrypted with another key than that of ``mark``."""
    rows = model._default_manager.exclude(**{f"{name}__isnull": True}).annotate(stored=as_stored(name))
    return rows.exclude(stored__startswith=mark + SEPARATOR).order_by("pk").values_list("pk", flat=True)


def why_wrong() -> str:
    """"" when our keys open everything, else what does not fit, in a sentence; ``advice`` says what to do."""
    unknown = {mark: count for mark, count in marks().items() if mark not in keys().marks}
    if not unknown:
        return ""
    count = sum(unknown.values())
    return (f"{count} encrypted value{'s' if count > 1 else ''} in the Configuration Database need"
            f"{'' if count > 1 else 's'} another PAIRWISE_SECRET_KEY than {_given()} (mark {keys().marks[0]}): the one "
            f"with the mark {' or '.join(sorted(unknown))}.")


def _given() -> str:
    return "the one that was given" if settings.SECRET_KEY_IS_GIVEN else "the one in the data directory"


def advice() -> str:
    back = "Give that one again" if settings.SECRET_KEY_IS_GIVEN else \
        f"Put the former {settings.PAIRWISE_DATA_DIR / 'secret_key'} back, or set PAIRWISE_SECRET_KEY to that key"
    return f"{back}. To change the key on purpose, name the former one in PAIRWISE_SECRET_KEY_FALLBACKS as well."
