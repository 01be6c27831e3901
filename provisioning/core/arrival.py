"""How a request reached the web process, what that says of the proxy in front, and what people are told who did not get
in because of it (docs/proxy.md). Pure."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protocol.names import LOOPBACK

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PEER = "pairwise.peer"
"""Key of the ASGI scope: the address at the other end of the connection, whatever headers say."""
_PLAIN = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,200}")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Arrival:
    """``scheme`` and ``client`` as the web process believes them, ``host`` as the header Host has it. ``peer``: the
    address at the other end of the connection; ``is_trusted``: PAIRWISE_TRUSTED_PROXIES names it. ``proto`` and
    ``forwarded_for``: X-Forwarded-Proto and X-Forwarded-For as they came, "" without one."""

    scheme: str
    host: str
    peer: str
    client: str
    is_trusted: bool = False
    proto: str = ""
    forwarded_for: str = ""

    @property
    def by_stranger(self) -> bool:
        """It says that it was forwarded, by whoever is no proxy of ours."""
        return not self.is_trusted and self.is_forwarded

    @property
    def is_forwarded(self) -> bool:
        return bool(self.proto or self.forwarded_for)

    @property
    def is_of_this_machine(self) -> bool:
        """Nothing of it was on a network, and browsers keep cookies for HTTPS of such a host, too."""
        return not self.is_forwarded and urlsplit(place(f"http://{self.host}")).hostname in LOOPBACK


@dataclass(frozen=True)
class Wrong:
    """A heading, ``what`` is wrong and what to ``do``, in sentences."""

    heading: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.what} {self.do}"


def networks(proxies: Iterable[str]) -> list[Network]:
    """Of addresses or networks, as PAIRWISE_TRUSTED_PROXIES has them. Raises ValueError."""
    return [ipaddress.ip_network(each, strict=False) for each in proxies]


def is_among(address: str, known: Iterable[Network]) -> bool:
    """Whether ``address`` is in one of the networks ``known``; what is no address is in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in each for each in known)


def shown(text: str) -> str:
    """``text`` that a stranger sent, where it looks like a name or an address; nothing else is repeated to anybody."""
    return text if _PLAIN.fullmatch(text) else "something that is no name"


def bracketed(host: str) -> str:
    """``host`` as an address has it."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def place(url: str) -> str:
    """``url`` as browsers write its origin: without a port that goes without saying. "" for what is no address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not host:
        return ""
    origin = f"{parts.scheme}://{bracketed(host)}"
    return origin if port in (None, _PORTS[parts.scheme]) else f"{origin}:{port}"


# --- what is wrong with a request


def unknown_host(host: str, console_url: str) -> Wrong:
    """Of a request whose header Host has a name that no setting allows."""
    return Wrong(
        "The console has another address",
        f"It was asked for as {shown(host)}, and does not go by that name.",
        f"{_open(console_url)}For whoever runs it: a proxy in front has to pass on the name that the browser asked for "
        "(header Host), and PAIRWISE_ALLOWED_HOSTS names what else the console goes by.")


def not_over_https(arrival: Arrival, console_url: str) -> Wrong:
    """Of a request in the plain to a console that is used over HTTPS alone: no cookie would come back."""
    heading, nobody = "This console is used over HTTPS", "so nobody could sign in here."
    if arrival.by_stranger:
        return Wrong(heading, f"The request was forwarded by {shown(arrival.peer)}, whose word does not count here, "
                              f"{nobody}", name_the_proxy(arrival.peer))
    if arrival.is_trusted and arrival.proto != "http":
        said = f"says {shown(arrival.proto)} in" if arrival.proto else "does not send"
        return Wrong(heading, f"The proxy in front ({shown(arrival.peer)}) {said} the header X-Forwarded-Proto, "
                              f"{nobody}", SEND_THE_SCHEME)
    return Wrong(heading, f"It was asked for by plain HTTP, {nobody}",
                 _open(console_url).strip() or "Open the address of the proxy in front, with https://. Where there is "
                                               "none, PAIRWISE_HTTPS has to be unset.")


NO_PAGE = Wrong("The form was refused",
                "The browser does not say that it came from a page of this console, or the page was open since before "
                "you signed in. Nothing was changed.",
                "Open the page again and try once more. If it happens every time, allow cookies for this address.")


def foreign_form(origin: str, arrival: Arrival, console_url: str) -> Wrong:
    """Of a form whose page was, as the browser says, not one of this console: ``origin``, "" where it says none."""
    heading, nothing = NO_PAGE.heading, "Nothing was changed."
    here = f"{arrival.scheme}://{shown(arrival.host)}"
    if not place(origin):
        return NO_PAGE
    what = f"It came from a page of {shown_address(origin)}, and this console was asked for as {here}. {nothing}"
    if arrival.by_stranger:
        return Wrong(heading, what, name_the_proxy(arrival.peer))
    if origin == f"https://{arrival.host}":
        return Wrong(heading, what, f"If both are this console, a proxy with TLS is in front: {BEHIND_TLS}")
    return Wrong(heading, what, f"{_open(console_url)}If both are this console, the proxy in front does not pass on "
                                "the name that the browser asked for: let it send the header Host, and set "
                                "PAIRWISE_CONSOLE_URL to the address that people open. If not, the page of another "
                                "site has tried to act in your name.")


def shown_address(url: str) -> str:
    """Of an origin: as ``shown``."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{shown(rest)}" if scheme in _PORTS else shown(url)


SEND_THE_SCHEME = ("Let the proxy send X-Forwarded-Proto: https with what comes by HTTPS, in place of what a client "
                   "says (docs/proxy.md).")
BEHIND_TLS = ("set PAIRWISE_HTTPS=1, PAIRWISE_TRUSTED_PROXIES and PAIRWISE_CONSOLE_URL, restart the console, and let "
              "the proxy send X-Forwarded-Proto (docs/proxy.md).")


def name_the_proxy(peer: str) -> str:
    """What to do about a proxy at ``peer`` that is none of ours."""
    return (f"If {shown(peer)} is the proxy in front, name it in PAIRWISE_TRUSTED_PROXIES and restart the console "
            "(docs/proxy.md).")


def _open(console_url: str) -> str:
    return f"Open {console_url} instead. " if console_url else ""
