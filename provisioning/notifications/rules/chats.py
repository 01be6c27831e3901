"""How Apprise is told of a channel: its address, built of the fields of a kind and never typed by anybody. Pure."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote, urlencode

from provisioning.notifications.facts import Message
from provisioning.states import ChannelKind, Told

from .addresses import vendor_parts
from .kinds import listed

Fields = Mapping[str, str]
Options = dict[str, str]
_TIMES: Options = {"cto": "5", "rto": "10", "redirect": "no"}
"""s to connect and to read; whoever is told goes nowhere else."""
_NOBODYS = "pairwise"
"""Stands for a key that Apprise wants and Events API v2 of PagerDuty does not ask for."""


def without_mentions(text: str) -> str:
    """What a program has logged calls nobody in a chat."""
    return text.replace("@", "@\u200b")


def _teams(fields: Fields, message: Message) -> tuple[str, Options]:
    parts = _parts(ChannelKind.TEAMS, fields)
    query = {name: values[-1] for name, values in parse_qs(parts["query"]).items()}
    options = {"image": "no"}
    if "powerautomate" in fields["url"]:
        options |= {"pa": "yes"} | ({"route": parts["unit"]} if parts["unit"] else {})
    if query.get("api-version"):
        options["ver"] = query["api-version"]
    return f"workflows://{parts['host']}/{_q(parts['workflow'])}/{_q(query.get('sig', ''))}/", options


def _slack(fields: Fields, message: Message) -> tuple[str, Options]:
    parts = _parts(ChannelKind.SLACK, fields)
    return f"slack://{_q(parts['team'])}/{_q(parts['bot'])}/{_q(parts['token'])}/", {"image": "no", "footer": "no"}


def _webex(fields: Fields, message: Message) -> tuple[str, Options]:
    return f"wxteams://{_q(_parts(ChannelKind.WEBEX, fields)['token'])}/", {}


def _google(fields: Fields, message: Message) -> tuple[str, Options]:
    parts = _parts(ChannelKind.GOOGLE_CHAT, fields)
    query = {name: values[-1] for name, values in parse_qs(parts["query"]).items()}
    return f"gchat://{_q(parts['space'])}/{_q(query.get('key', ''))}/{_q(query.get('token', ''))}/", {}


def _pagerduty(fields: Fields, message: Message) -> tuple[str, Options]:
    """An alarm that was told alone opens an incident, and its end resolves that one."""
    ended = message.told == Told.CLEARED
    return f"pagerduty://{_q(fields['key'])}@{_NOBODYS}/Pairwise/", {
        "region": fields.get("region") or "us", "image": "no", "dedup": _case(message),
        "action": "resolve" if ended else "trigger", "severity": "info" if ended else "error"}


def _opsgenie(fields: Fields, message: Message) -> tuple[str, Options]:
    return f"opsgenie://{_q(fields['key'])}/{_responders(fields)}", {
        "region": fields.get("region") or "us", **_alert(message)}


def _jira(fields: Fields, message: Message) -> tuple[str, Options]:
    return f"jira://{_q(fields['key'])}/{_responders(fields)}", _alert(message)


def _sns(fields: Fields, message: Message) -> tuple[str, Options]:
    topics = "/".join(_q(f"#{name}") for name in listed(fields["topics"]))
    return (f"sns://{_q(fields['access_key_id'])}/{_q(fields['secret_access_key'])}/{_q(fields['region'])}/{topics}/",
            {"mode": "topic"})


def _alert(message: Message) -> Options:
    """Told once more, an alarm is the same alert; its end is one of its own."""
    ended = message.told == Told.CLEARED
    return {"action": "new", "batch": "yes", "alias": f"{_case(message)}{'-cleared' if ended else ''}",
            "priority": "low" if ended or message.told == Told.TEST else "high"}


def _case(message: Message) -> str:
    return f"pairwise-alarm-{message.alarms[0]}" if len(message.alarms) == 1 else message.message_id


def _responders(fields: Fields) -> str:
    return "".join(f"{_q(each)}/" for each in listed(fields.get("responders", "")))


def _parts(kind: ChannelKind, fields: Fields) -> dict[str, str]:
    """Raises ValueError."""
    parts = vendor_parts(kind, fields["url"])
    if parts is None:
        raise ValueError(f"Webhook URL is no address of {kind.label}. Copy it there again.")
    return parts


def _q(text: str) -> str:
    return quote(text, safe="")


BUILDERS: dict[ChannelKind, Callable[[Fields, Message], tuple[str, Options]]] = {
    ChannelKind.TEAMS: _teams, ChannelKind.SLACK: _slack, ChannelKind.WEBEX: _webex, ChannelKind.GOOGLE_CHAT: _google,
    ChannelKind.PAGERDUTY: _pagerduty, ChannelKind.OPSGENIE: _opsgenie, ChannelKind.JIRA: _jira,
    ChannelKind.SNS: _sns}
"""{kind: its address without options, its options}: whatever is not here is not asked by Apprise."""


def apprise_url(kind: ChannelKind, fields: Fields, message: Message) -> str:
    """Raises KeyError for a kind that is none of Apprise's, ValueError with a sentence."""
    address, options = BUILDERS[kind](fields, message)
    return f"{address}?{urlencode({**options, **_TIMES})}"
