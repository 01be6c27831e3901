"""Kinds of channel and their fields: one table, of which the form, the file, history and the transports are made."""

from dataclasses import dataclass

from provisioning.states import ChannelKind


@dataclass(frozen=True)
class ChannelField:
    """A field of a channel. ``many``: a list, kept and typed as one text with commas."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    many: bool = False


def _address(help: str) -> ChannelField:
    """Who knows the address of an incoming webhook may write there: it is kept like a password."""
    return ChannelField("url", "Webhook URL", help, secret=True)


_REGION = ChannelField("region", "Region", "us or eu, where the account is; us when it is empty.", required=False)
_RESPONDERS = ChannelField(
    "responders", "Responders", "Who is told, separated by commas: #team, @user, *schedule, ^escalation. Empty: as the "
    "integration says.", required=False, many=True)
KINDS: dict[ChannelKind, tuple[ChannelField, ...]] = {
    ChannelKind.MAIL: (
        ChannelField("to", "To", "Addresses, separated by commas.", many=True),),
    ChannelKind.WEBHOOK: (
        ChannelField("url", "URL", "https://… is asked by POST with JSON (docs/notifications.md)."),
        ChannelField("secret", "Secret", "Signs each message, so that the receiver knows who sent it.", secret=True,
                     required=False)),
    ChannelKind.TEAMS: (
        _address("Of a workflow that begins when a Teams webhook request is received."),),
    ChannelKind.SLACK: (
        _address("Of an incoming webhook: https://hooks.slack.com/services/…"),),
    ChannelKind.MATTERMOST: (
        _address("Of an incoming webhook: https://server/hooks/…"),),
    ChannelKind.WEBEX: (
        _address("Of an incoming webhook: https://webexapis.com/v1/webhooks/incoming/…"),),
    ChannelKind.GOOGLE_CHAT: (
        _address("Of a webhook of the space: https://chat.googleapis.com/v1/spaces/…"),),
    ChannelKind.PAGERDUTY: (
        ChannelField("key", "Integration Key", "Of an integration of the service with Events API v2.", secret=True),
        _REGION),
    ChannelKind.OPSGENIE: (
        ChannelField("key", "API Key", "Of an API integration.", secret=True), _REGION, _RESPONDERS),
    ChannelKind.JIRA: (
        ChannelField("key", "API Key", "Of an API integration of Operations in Jira Service Management.", secret=True),
        _RESPONDERS),
    ChannelKind.SNS: (
        ChannelField("access_key_id", "Access Key ID", "Of a user of AWS that may publish and nothing else."),
        ChannelField("secret_access_key", "Secret Access Key", secret=True),
        ChannelField("region", "Region", "For example eu-central-1."),
        ChannelField("topics", "Topics", "Names of topics in that region, separated by commas.", many=True)),
    ChannelKind.COMMAND: (
        ChannelField("command", "Command", "A program's whole path and its arguments. It runs as the account of "
                     "Pairwise, without a shell, and reads JSON from its standard input."),),
}
"""{kind: its fields in the order of the form}."""


def fields_of(kind: str) -> tuple[ChannelField, ...]:
    """The fields of a kind by its value, none of what is no kind."""
    return KINDS[ChannelKind(kind)] if kind in ChannelKind.values else ()


def listed(text: str) -> list[str]:
    """What a ``many`` field holds."""
    return [part for each in text.split(",") if (part := each.strip())]
