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


KINDS: dict[ChannelKind, tuple[ChannelField, ...]] = {
    ChannelKind.MAIL: (
        ChannelField("to", "To", "Addresses, separated by commas.", many=True),),
    ChannelKind.WEBHOOK: (
        ChannelField("url", "URL", "https://… is asked by POST with JSON (docs/notifications.md)."),
        ChannelField("secret", "Secret", "Signs each message, so that the receiver knows who sent it.", secret=True,
                     required=False)),
}
"""{kind: its fields in the order of the form}."""
