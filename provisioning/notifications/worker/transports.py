"""A message to a channel, tried once: the way of each kind, and what is kept of the answer."""

import logging
import time
from collections.abc import Callable, Mapping
from importlib import import_module

from django.utils import timezone

from protocol.said import legible
from provisioning.core.redaction import Redactor
from provisioning.models import Channel, DeliveryAttempt
from provisioning.models.notifications import ANSWER_CHARACTERS
from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.addresses import VENDORS, vendor_parts
from provisioning.states import ChannelKind

log = logging.getLogger(__name__)
Transport = Callable[[Recipient, Message], Answer]
OWN: Mapping[ChannelKind, str] = {
    ChannelKind.MAIL: "mail", ChannelKind.WEBHOOK: "webhook", ChannelKind.MATTERMOST: "mattermost",
    ChannelKind.COMMAND: "command"}
"""{kind: module of this package whose ``send`` carries it}; the others go by Apprise."""


def transport_of(kind: ChannelKind) -> Transport:
    """Loaded when it is wanted: some need libraries that take a while."""
    return import_module(f"{__package__}.{OWN.get(kind, 'chats')}").send


def recipient_of(row: Channel) -> Recipient:
    """Raises WrongKey, and ValueError with a sentence for a row that nothing of this version has written."""
    if not row.is_readable:
        raise ValueError(f"What is stored of the channel {row.name} cannot be read. Delete it, and create it again.")
    secrets, kind = row.secret_fields, ChannelKind(row.kind)
    parts = vendor_parts(kind, secrets.get("url", "")) if kind in VENDORS else None
    hidden = {*secrets.values(), *(parts or {}).values()} - {(parts or {}).get("host", ""), ""}
    return Recipient(row.name, kind, {**row.settings, **secrets}, frozenset(hidden))


def attempt(recipient: Recipient, message: Message) -> DeliveryAttempt:
    """One try, whatever becomes of it; not saved. What is kept holds no secret of the channel."""
    at, began = timezone.now(), time.monotonic()
    try:
        answer = transport_of(recipient.kind)(recipient, message)
    except Exception as error:  # whatever a library raises is an attempt that failed, and never the end of the sender
        log.info("A message to a channel failed by an error: %s", type(error).__name__)
        answer = Answer(False, f"{type(error).__name__}: {error}")
    said = Redactor(recipient.secrets).text(legible(answer.said, 4 * ANSWER_CHARACTERS))
    return DeliveryAttempt(at=at, took_ms=round((time.monotonic() - began) * 1000), succeeded=answer.succeeded,
                           status=answer.status, answer=legible(said.strip(), ANSWER_CHARACTERS))
