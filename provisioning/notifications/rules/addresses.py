"""Where a message may go: addresses of the network that are never asked, the parts of vendors' webhook URLs. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from provisioning.states import ChannelKind

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Allowed:
    """What the settings of the console allow besides: receivers on this machine (PAIRWISE_WEBHOOK_LOOPBACK), and http
    to other machines (PAIRWISE_WEBHOOK_HTTP)."""

    loopback: bool = False
    http: bool = False


NOTHING = Allowed()
METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("192.0.0.192")})
"""Where machines of a cloud are told their credentials, besides link-local addresses."""
_EMBEDDED = ip_network("64:ff9b::/96"), ip_network("::/96")
"""The last 32 bits are an address of IPv4, which whoever translates or unpacks it asks."""
LOOPBACK = ("{} is this machine itself. Give the address of another one, or set PAIRWISE_WEBHOOK_LOOPBACK=1 for the "
            "processes of Pairwise.")
NEVER = "{} is no address that a message may go to ({}). Give the address of the receiver."


def plain_address(address: Address) -> Address:
    """What is asked by it in the end."""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped or address.sixtofour
        if mapped is not None:
            return mapped
        if int(address) > 1 and any(address in network for network in _EMBEDDED):
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def why_not_ask(address: Address, allowed: Allowed) -> str:
    """A sentence, "" where it may be asked. Private networks may: that is where people's receivers are."""
    plain = plain_address(address)
    if plain.is_loopback:
        return "" if allowed.loopback else LOOPBACK.format(address)
    for is_one, what in (
            (plain.is_unspecified or plain in _THIS_NETWORK, "unspecified"), (plain.is_link_local, "link-local"),
            (plain.is_multicast, "multicast"), (plain == _BROADCAST, "broadcast"),
            (plain in METADATA, "metadata of a cloud")):
        if is_one:
            return NEVER.format(address, what)
    return ""


_THIS_NETWORK, _BROADCAST = ip_network("0.0.0.0/8"), ip_address("255.255.255.255")


def literal(host: str) -> Address | None:
    """The address that ``host`` is, None for a name. Forms that only some read as one (0x7f.1, 2130706433) are names:
    they are judged when they are resolved."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def split_url(url: str) -> SplitResult:
    """Raises ValueError with a sentence for what is no address of http."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is no URL. Write https://server/path.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ValueError("is no URL of http or https. Write https://server/path.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user or password, which everybody who signs in could read. Leave them out.")
    if not url.isascii() or any(sign <= " " or sign in "\x7f\\" for sign in url):
        raise ValueError("holds a blank or another character that no URL has. Write it percent-encoded.")
    return parts


def why_not_post(url: str, allowed: Allowed) -> str:
    """A sentence that goes on after the label of the field, "" where ``url`` may be asked as far as it says itself."""
    try:
        parts = split_url(url)
    except ValueError as error:
        return str(error)
    host = parts.hostname or ""
    address = literal(host)
    local = host == "localhost" or host.endswith(".localhost") or (address is not None and plain_address(
        address).is_loopback)
    why = LOOPBACK.format(host) if local and not allowed.loopback else (
        why_not_ask(address, allowed) if address is not None else "")
    if why:
        return f"cannot be asked: {why}"
    if parts.scheme == "http" and not local and not allowed.http:
        return ("begins with http://, which anybody on the way can read and change. Write https://, or set "
                "PAIRWISE_WEBHOOK_HTTP=1 for the processes of Pairwise.")
    return ""


_WORD = r"[A-Za-z0-9_-]+"
_CLOUDS = (r"(?:[A-Za-z0-9-]+\.)+(?:logic\.azure\.(?:com|us|cn)|appsplatform\.us|"
           r"powerplatform\.(?:com|microsoft\.us|partner\.microsoftonline\.cn))")
"""Where workflows of Power Automate are, in each of Microsoft's clouds; a name that only looks like one of these may be
anybody's."""
VENDORS: dict[ChannelKind, tuple[re.Pattern[str], str]] = {
    ChannelKind.TEAMS: (re.compile(
        rf"https://(?P<host>{_CLOUDS})(?::443)?(?:/powerautomate/automations/direct(?:/cu/(?P<unit>[0-9]+))?)?/workflows/"
        rf"(?P<workflow>{_WORD})/triggers/manual/paths/invoke/?\?(?=(?:[^#]*&)?sig=)(?P<query>[^#]*)"),
        "the one that Power Automate shows for the workflow, with all that stands behind the ?"),
    ChannelKind.SLACK: (re.compile(
        rf"https://hooks\.slack\.com/services/(?P<team>{_WORD})/(?P<bot>{_WORD})/(?P<token>{_WORD})/?"),
        "that of an incoming webhook: https://hooks.slack.com/services/T…/B…/…"),
    ChannelKind.WEBEX: (re.compile(
        rf"https://(?:webexapis\.com|api\.ciscospark\.com)/v1/webhooks/incoming/(?P<token>{_WORD})/?"),
        "that of an incoming webhook: https://webexapis.com/v1/webhooks/incoming/…"),
    ChannelKind.GOOGLE_CHAT: (re.compile(
        rf"https://chat\.googleapis\.com/v1/spaces/(?P<space>{_WORD})/messages\?(?=(?:[^#]*&)?key=)(?=(?:[^#]*&)?token=)(?P<query>[^#]*)"),
        "that of a webhook of the space: https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…"),
}
"""{kind: (what its URLs look like, which one to copy)}: nothing else is asked for it."""


def vendor_parts(kind: ChannelKind, url: str) -> dict[str, str] | None:
    """The named parts of the webhook URL of a chat, None where it is none of that vendor's."""
    found = VENDORS[kind][0].fullmatch(url)
    return None if found is None else {name: part or "" for name, part in found.groupdict().items()}
