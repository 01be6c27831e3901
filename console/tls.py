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

from console.authority import Authority, CannotIssue
from console.names import WILDCARDS, host_of, names_for, of_this_machine
from protocol import tls
from protocol.validity import ends, urgency

log = logging.getLogger(__name__)

__all__ = ["CannotIssue", "authority", "control_context", "identity", "look_after", "names", "provide", "reachable",
           "trusted"]
LOOK_S = 3600.0


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


async def look_after(identity: tls.Identity, *, tell: Callable[[str], None] = log.warning,
                     every_s: float = LOOK_S) -> None:
    """Renew the certificate when it is time, and show the renewed one to new connections, until cancelled. ``tell``
    hears when it is about to expire, once for each urgency."""
    told = ""
    while True:
        ends_at, now = tls.expires_at(settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_CA), time.time()
        level = urgency(ends_at, now)
        if level and level != told:
            tell(f"The certificate of the console {ends(ends_at, now)}.")
        told = level
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(provide)
            if identity.refresh():
                log.info("the certificate of the console was renewed")
        except (CannotIssue, tls.TlsError) as error:
            log.error("The certificate of the console cannot be renewed, the former one is still shown: %s", error)


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
