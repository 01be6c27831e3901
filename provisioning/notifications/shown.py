"""Channels, rules and deliveries in words, for pages. Pure."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from provisioning.core.text import duration
from provisioning.models import Channel, Delivery, NotificationRule
from provisioning.states import AlarmCategory, ChannelKind

from .rules.kinds import fields_of

_TO: Mapping[str, str] = {
    ChannelKind.MAIL: "to", ChannelKind.WEBHOOK: "url", ChannelKind.OPSGENIE: "responders",
    ChannelKind.JIRA: "responders", ChannelKind.SNS: "topics", ChannelKind.COMMAND: "command"}
"""{kind: the field that says best where its messages go}; of the others it is a secret."""
_NAMES_SAID = 3
_FILTERS = (("conditions", "of the condition"), ("applications", "of"), ("hosts", "on host"), ("pairs", "of pair"))
"""(field of a rule, what stands before its names), in the order of the sentence."""


def to_of(channel: Channel) -> str:
    """Where its messages go, without secrets; "" where nothing else is known."""
    name = _TO.get(channel.kind, "")
    text = channel.plain_fields.get(name, "")
    if channel.kind != ChannelKind.WEBHOOK:
        return text
    try:
        # What follows a "?" is often a password of some kind.
        return urlsplit(text)._replace(query="", fragment="").geturl()
    except ValueError:
        return text


def kept_secret(channel: Channel) -> str:
    """What says where its messages go and is never shown, "" where that is no secret."""
    return next((field.label for field in fields_of(channel.kind) if field.secret and field.required), "")


def what_of(rule: NotificationRule) -> str:
    """Which alarms it tells of: ``Critical or major alarms of pair MS_P``."""
    categories = [label for value, label in AlarmCategory.choices if value in rule.categories]
    chosen = f"{_either(categories).capitalize()} alarms" if 0 < len(categories) < len(AlarmCategory) else "All alarms"
    return " ".join([chosen, ", ".join(
        f"{words} {_either(names)}" for field, words in _FILTERS if (names := getattr(rule, field)))]).strip()


def _either(names: Sequence[str]) -> str:
    """``a, b or c``; of many only the first."""
    said = list(names[:_NAMES_SAID]) if len(names) > _NAMES_SAID + 1 else list(names)
    if len(said) < len(names):
        said.append(f"one of {len(names) - len(said)} more")
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def quiet_of(rule: NotificationRule) -> str:
    """``22:00–06:00 Europe/Berlin``, "" for none."""
    return f"{rule.quiet_hours.replace('-', '–')} {rule.time_zone}".strip() if rule.quiet_hours else ""


def pace_of(rule: NotificationRule) -> str:
    """When it tells besides at once: ``after 5 min, again every 4 h``."""
    parts = [f"after {duration(rule.wait_s)}" if rule.wait_s else "",
             f"again every {rule.repeat_h} h" if rule.repeat_h else "",
             "" if rule.recovery else "not when they are cleared"]
    return ", ".join(filter(None, parts))


def json_of(delivery: Delivery) -> str:
    """Its message as JSON, laid out for reading."""
    return json.dumps(delivery.payload, indent=2, ensure_ascii=False)


_UNREACHABLE: Mapping[str, str] = {
    ChannelKind.MAIL: "Look whether PAIRWISE_SMTP_URL names the mail server, and whether it answers.",
    ChannelKind.COMMAND: "Look whether the program is there, may be run by the account of Pairwise, and ends with 0.",
}
_NO_ANSWER = "Look whether the address is right, and whether the console's machine reaches it."
_STATUSES = (
    ((401, 403), "The receiver does not accept the credential. Edit the channel and type it anew."),
    ((404, 410), "The receiver knows no such address. Copy the address from there again."),
    ((408, 425, 429), "The receiver is asked too often or is busy. Wait a minute, and send again."),
    (range(300, 400), "The receiver sends elsewhere, where no message follows. Give the address it leads to."),
    (range(400, 500), "The receiver does not accept the message. Its answer says why."),
    (range(500, 600), "The receiver has a trouble of its own. Ask who runs it, and send again then."),
)


def advice(kind: str, status: int | None) -> str:
    """What to do about a message that was not taken; ``status`` of HTTP, None where nobody answered."""
    if status is None:
        return _UNREACHABLE.get(kind, _NO_ANSWER)
    return next((words for statuses, words in _STATUSES if status in statuses), _UNREACHABLE.get(kind, _NO_ANSWER))
