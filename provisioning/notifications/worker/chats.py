"""Chats and pagers by Apprise."""

import logging
import threading

from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.chats import apprise_url, without_mentions
from provisioning.states import Told

_CHARACTERS = 3000
"""Of a message: chats take no more in one."""


class _Heard(logging.Handler):
    """What Apprise logs in this thread: it says nothing else of why something failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread, self.said = threading.get_ident(), ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.said) < _CHARACTERS:
            self.said += f"{record.getMessage()}\n"


def send(recipient: Recipient, message: Message) -> Answer:
    try:
        address = apprise_url(recipient.kind, recipient.fields, message)
    except ValueError as error:
        return Answer(False, str(error))
    # It takes most of a second to load, and most consoles send mail or webhooks.
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
    from apprise.logger import logger

    # What goes wrong is kept with the delivery, without secrets; the log would have it with them.
    logger.propagate, heard = False, _Heard()
    logger.addHandler(heard)
    try:
        asset = AppriseAsset(app_id="Pairwise", app_desc="Pairwise", app_url="", async_mode=False, secure_logging=True)
        service = Apprise.instantiate(address, asset=asset)
        if service is None:
            return Answer(False, f"The fields of this channel do not fit {recipient.kind.label}. {heard.said}")
        kind = NotifyType.SUCCESS if message.told == Told.CLEARED else (
            NotifyType.INFO if message.told == Told.TEST else NotifyType.FAILURE)
        taken = service.notify(body=without_mentions(message.text)[:_CHARACTERS], notify_type=kind,
                               title=without_mentions(message.subject), body_format=NotifyFormat.TEXT)
    finally:
        logger.removeHandler(heard)
    return Answer(bool(taken), "" if taken else heard.said or f"{recipient.kind.label} did not take it.")
