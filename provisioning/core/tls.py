"""TLS of web and control: which files are used, and who on this machine trusts what."""

import asyncio
import functools
import logging
import os
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from protocol import tls
from protocol.names import WILDCARDS
from protocol.validity import begins, ends, urgency

from .authority import Authority, CannotIssue
from .names import host_of, names_for, of_this_machine

log = logging.getLogger(__name__)

__all__ = ["CannotIssue", "authority", "control_context", "identity", "look_after", "names", "provide", "reachable",
           "trusted", "why_not_valid_yet"]
LOOK_S = 60.0
"""So soon after a wrong clock was corrected a certificate that it made is replaced."""


def names() -> tuple[str, ...]:
    """What the console's certificate is for."""
    hosts = (settings.PAIRWISE_HOST, settings.PAIRWISE_CONTROL_HOST)
    given = (*hosts, *(host for host, _ in settings.PAIRWISE_CONTROLS), settings.PAIRWISE_ADVERTISED_HOST,
             host_of(settings.PAIRWISE_CONSOLE_URL), *settings.ALLOWED_HOSTS, *settings.PAIRWISE_TLS_NAMES)
    return names_for(given=given, machine=of_this_machine() if set(hosts) & WILDCARDS else ())


def authority() -> Authority:
    return Authority(settings.PAIRWISE_TLS_DIR)


def provide() -> bool:
    """Make or renew the console's own certificates when it is time; True when one was made. Files that the
    administrator named stay as they are. Raises CannotIssue."""
    return settings.TLS_IS_OWN and authority().provide(names())


def identity() -> tls.Identity:
    """What web and control show. Raises CannotIssue."""
    try:
        return tls.Identity(settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_KEY)
    except tls.TlsError as error:
        raise CannotIssue(f"The certificate of the console cannot be used: {error}. Correct PAIRWISE_TLS_CERTIFICATE "
                          "and PAIRWISE_TLS_KEY.") from error


def why_not_valid_yet(now: float) -> str:
    """What stands in the way of every connection, and what to do: an authority, or a certificate that the administrator
    named, that the clock has not come to; "" for nothing."""
    for what, path in (("The authority of the console", settings.PAIRWISE_TLS_CA),
                       ("The certificate of the console", settings.PAIRWISE_TLS_CERTIFICATE)):
        since = tls.valid_from(path)
        if since is None or since <= now:
            continue
        anew = (f"move {settings.PAIRWISE_TLS_DIR} away and start the console again; every host has to join anew then"
                if settings.TLS_IS_OWN else "put one that is valid in its place")
        return (f"{what} ({path}) {begins(since, now)}: until then hosts refuse the console. Correct the clock when it "
                f"is behind. When it is right, the file was made while it was ahead: {anew}.")
    return ""


async def look_after(identity: tls.Identity, *, tell: Callable[[str], None] = log.warning,
                     every_s: float = LOOK_S) -> None:
    """Renew the certificate when it is time, and show the renewed one to new connections, until cancelled. ``tell``
    hears once that it is not valid yet, and when it is about to expire, once for each urgency."""
    told = failed = ""
    while True:
        level, sentence = _worth_telling(time.time())
        if level and level != told:
            tell(sentence)
        told = level
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(provide)
            if identity.refresh():
                log.info("the certificate of the console was renewed")
            failed = ""
        except (CannotIssue, tls.TlsError) as error:
            if str(error) != failed:
                failed = str(error)
                log.error("The certificate of the console cannot be renewed, the former one is still shown: %s", error)


def _worth_telling(now: float) -> tuple[str, str]:
    """(what it is about, the sentence); ("", "") for nothing."""
    if sentence := why_not_valid_yet(now):
        return "not yet", sentence
    ends_at = tls.expires_at(settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_CA)
    level = urgency(ends_at, now)
    return level, f"The certificate of the console {ends(ends_at, now)}." if level and ends_at is not None else ""


def trusted() -> str:
    """PEM text of the authority that hosts trust."""
    return Path(settings.PAIRWISE_TLS_CA).read_text()


def reachable(host: str) -> str:
    """The address under which a process of this machine reaches a listener on ``host``."""
    return "127.0.0.1" if host in WILDCARDS else host


def control_context() -> ssl.SSLContext | None:
    """How the console verifies control, None for control without TLS. Raises TlsError."""
    if not settings.PAIRWISE_CONTROL_TLS:
        return None
    return _context(settings.PAIRWISE_TLS_CA, _stamp(settings.PAIRWISE_TLS_CA))


@functools.lru_cache(maxsize=4)
def _context(path: str, stamp: Sequence) -> ssl.SSLContext:
    return tls.client_context(path)


def _stamp(path: str) -> tuple[int, int]:
    try:
        facts = os.stat(path)
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_ino
