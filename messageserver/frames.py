"""What the headers of client frames mean: pure functions from headers to values, or a Refusal."""

import functools
import itertools
import re
from collections.abc import Iterable

from protocol import client_logins, log_records

from .dialects import DIALECTS, V10, Dialect
from .records import Draft, DraftRow
from .stomp import Sends, encode_headers

PREFIXES = ("/topic/", "/queue/", "/log/")
MAX_DESTINATION, MAX_DEDUP_ID = 255, 255
MIN_HEART_BEAT_MS = 1000
_MOMENT = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
# Meant for the server alone.
NOT_FORWARDED = frozenset(("destination", "receipt", "content-length", "transaction"))


class Refusal(Exception):
    """The frame is refused; the text is the sentence of the ERROR frame, which is sent ``after_s`` seconds later."""

    after_s = 0.0


class WrongPasscode(Refusal):
    """Guessing costs time."""

    after_s = 1.0


class TooManyGuesses(Refusal):
    """The passcode was not looked at."""

    after_s = 1.0


def dialect_of(headers: dict[str, str]) -> Dialect:
    """The newest version of the protocol that both sides speak; a client that names none speaks 1.0."""
    offered = {version.strip() for version in headers.get("accept-version", V10.version).split(",")}
    for dialect in DIALECTS:
        if dialect.version in offered:
            return dialect
    raise Refusal("The server speaks STOMP 1.2, 1.1 and 1.0; send one of them in the header accept-version.")


def trimmed(headers: dict[str, str]) -> dict[str, str]:
    """Of a CONNECT of 1.0, in which spaces around a value do not count."""
    return {name.strip(" "): value.strip(" ") for name, value in headers.items()}


def check_login(headers: dict[str, str], clients: dict[str, str]) -> str:
    """The login when it is known and its passcode right. ``clients`` maps logins to what is kept of their passcodes."""
    if not clients:
        raise Refusal("No login is configured for this server. Add one to the options of the application: section "
                      "clients, key = login, value = passcode.")
    login, passcode = headers.get("login", ""), headers.get("passcode", "")
    if not client_logins.opens(clients.get(login), passcode):
        raise WrongPasscode("The login or the passcode is wrong. The logins of this server are in the options of the "
                            "application, section clients.")
    return login


def heart_beats(headers: dict[str, str]) -> tuple[float, float, str]:
    """(seconds between our heart-beats, seconds between the client's, our heart-beat header); 0 = none."""
    sends, _, wants = headers.get("heart-beat", "0,0").partition(",")
    numbers = [part.strip() for part in (sends, wants)]
    if not all(n.isascii() and n.isdigit() and len(n) <= 18 for n in numbers):
        raise Refusal("The header heart-beat must be two numbers of milliseconds, for example 10000,10000.")
    client_sends, client_wants = map(int, numbers)
    ours = max(client_wants, MIN_HEART_BEAT_MS) / 1000 if client_wants else 0.0
    theirs = max(client_sends, MIN_HEART_BEAT_MS) / 1000 if client_sends else 0.0
    return ours, theirs, f"{MIN_HEART_BEAT_MS},{MIN_HEART_BEAT_MS}"


def make_draft(headers: dict[str, str], body: bytes) -> Draft:
    """What a SEND asks to be stored."""
    destination = headers.get("destination")
    if destination is None:
        raise Refusal("SEND needs the header destination.")
    check_destination(destination)
    if "message-id" in headers:
        raise Refusal("A SEND has no header message-id: the server gives each message its own. Use another name, or "
                      "dedup-id for what makes a repeated SEND count once.")
    dedup = headers.get("dedup-id")
    if dedup is not None and not 0 < len(dedup) <= MAX_DEDUP_ID:
        raise Refusal(f"The header dedup-id must have 1 to {MAX_DEDUP_ID} characters.")
    if _MOMENT.fullmatch(headers.get("expires", "0")) is None:
        # Whoever is told that it is stored counts on its end.
        raise Refusal("The header expires must be a moment in milliseconds since 1970, for example 1796040000000; 0 "
                      "means never.")
    own = [item for item in headers.items() if item[0] not in NOT_FORWARDED]
    return Draft(destination, encode_headers(own) if own else b"", body, dedup)


def make_drafts(sends: Sends) -> list[DraftRow] | None:
    """What plain SENDs ask to be stored, as fields of Drafts; None when one of them is to be refused."""
    destinations, bodies, _, dedups = sends
    try:
        for destination in set(destinations):
            check_destination(destination)
            if is_of_log(destination):
                return None
    except Refusal:
        return None
    headers: Iterable[bytes] = itertools.repeat(b"")
    if any(dedups):
        if max(map(len, filter(None, dedups))) > MAX_DEDUP_ID:
            return None
        headers = [b"" if dedup is None else f"dedup-id:{dedup}\n".encode() for dedup in dedups]
    return list(zip(destinations, headers, bodies, dedups, strict=False))


def is_of_log(destination: str) -> bool:
    """What goes there is a record of the centralized log, and looked at as one."""
    return destination.startswith(log_records.PREFIX)


@functools.lru_cache(1024)
def check_destination(destination: str) -> None:
    """Raises Refusal when nothing can be sent there."""
    if not destination.startswith(PREFIXES) or destination in PREFIXES or "*" in destination or (
            len(destination) > MAX_DESTINATION):
        raise Refusal(f"The destination {destination[:80]!r} is not usable: it begins with /topic/, /queue/ or /log/, "
                      f"has no * and at most {MAX_DESTINATION} characters.")


def parse_from_seq(headers: dict[str, str], last_seq: int) -> int:
    """The first seq that a subscription wants; without from-seq the next one to come."""
    text = headers.get("from-seq")
    if text is None:
        return last_seq + 1
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refusal("The header from-seq must be the number of the first message wanted, for example 1.")
    return max(1, int(text))
