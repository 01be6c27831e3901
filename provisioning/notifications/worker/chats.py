"""Chats and pagers by Apprise."""

import logging
import threading
from importlib import import_module
from typing import Any

from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.chats import apprise_url, without_mentions
from provisioning.states import ChannelKind, Told

_CHARACTERS = 3000
"""Of a message: chats take no more in one."""


SERVICES: dict[ChannelKind, tuple[str, str]] = {
    ChannelKind.TEAMS: ("workflows", "NotifyWorkflows"), ChannelKind.SLACK: ("slack", "NotifySlack"),
    ChannelKind.WEBEX: ("webexteams", "NotifyWebexTeams"), ChannelKind.GOOGLE_CHAT: ("google_chat", "NotifyGoogleChat"),
    ChannelKind.PAGERDUTY: ("pagerduty", "NotifyPagerDuty"), ChannelKind.OPSGENIE: ("opsgenie", "NotifyOpsgenie"),
    ChannelKind.JIRA: ("jira", "NotifyJira"), ChannelKind.SNS: ("sns", "NotifySNS")}
"""{kind: (module, class) of Apprise}: of its more than a hundred services no other one is loaded."""


def service_of(kind: ChannelKind, address: str) -> Any:
    """What Apprise makes of its own ``address``. Raises TypeError."""
    from apprise import AppriseAsset

    module, name = SERVICES[kind]
    service = getattr(import_module(f"apprise.plugins.{module}"), name)
    found = service.parse_url(address)
    if not found:
        raise TypeError("its address cannot be read")
    asset = AppriseAsset(app_id="Pairwise", app_desc="Pairwise", app_url="", async_mode=False, secure_logging=True)
    return service(**found, asset=asset)


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
    from apprise import NotifyFormat, NotifyType
    from apprise.logger import logger

    # What goes wrong is kept with the delivery, without secrets; the log would have it with them.
    logger.propagate, heard = False, _Heard()
    logger.addHandler(heard)
    try:
        service = service_of(recipient.kind, address)
        kind = NotifyType.SUCCESS if message.told == Told.CLEARED else (
            NotifyType.INFO if message.told == Told.TEST else NotifyType.FAILURE)
        taken = service.notify(body=without_mentions(message.text)[:_CHARACTERS], notify_type=kind,
                               title=without_mentions(message.subject), body_format=NotifyFormat.TEXT)
    except TypeError as error:
        # What Apprise raises for fields that it does not take.
        return Answer(False, f"The fields of this channel do not fit {recipient.kind.label}: {error}")
    finally:
        logger.removeHandler(heard)
    return Answer(bool(taken), "" if taken else heard.said or f"{recipient.kind.label} did not take it.")
