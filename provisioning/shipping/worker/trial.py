"""A test of a target: an entry that says so, sent at once, once, and not as one of History."""

import time
import uuid
from dataclasses import dataclass

from django.utils import timezone

from provisioning.core.redaction import Redactor
from provisioning.errors import WrongKey
from provisioning.models import AuditTarget
from provisioning.shipping.facts import Entry, Outcome
from provisioning.shipping.selectors.targets import target_of

from .ways import send, written


@dataclass(frozen=True)
class Tried:
    """``sent``: what went out, as it was sent."""

    outcome: Outcome
    sent: str
    took_ms: int


def tried(row: AuditTarget, who: str, origin: str) -> Tried:
    began = time.monotonic()
    entry = Entry(number=0, at=timezone.now(), user=who, origin=origin, request=str(uuid.uuid4()), action="test",
                  object_type="audit_target", object_id=str(row.pk), object_name=row.name,
                  reason=f"{who} tests whether entries of History arrive here. Nothing was changed.", digest="0" * 64)
    try:
        target = target_of(row)
    except WrongKey as error:
        return Tried(Outcome(False, str(error), reached=False), "", 0)
    messages = written(target, [entry])
    outcome = send(target, messages)
    shown = Redactor(target.secrets).exact(b"".join(messages).decode(errors="replace")).rstrip("\n")
    return Tried(outcome, shown, round((time.monotonic() - began) * 1000))
