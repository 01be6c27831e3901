"""Secured ports: what they show, whom they ask for a certificate, and how long it lasts."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable

from protocol import tls
from protocol.validity import ends, urgency

from .log import Event
from .settings import Port

LOOK_S = 60.0
CORRECT = "Correct its Transport Parameters."


class NotSecured(Exception):
    """A secured port has no certificate that can be used. The text is a sentence."""


class Secured:
    """One secured port: ``context`` for its listener, ``not_after`` is when the first of its certificates expires
    (Unix time; None when that cannot be read). Raises NotSecured."""

    def __init__(self, port: Port):
        self._port, self._said = port, ""
        given = port.transport
        certificate, authority = given.get("certificate", ""), given.get("trusted-ca", "")
        mutual = given.get("tls-mutual") == "1"
        if not certificate:
            raise NotSecured(f"Port {port.number} ({port.id}) is secured but has no certificate. Add "
                             "certificate=<file>;certificate-key=<file> to its Transport Parameters.")
        if mutual and not authority:
            raise NotSecured(f"Port {port.number} ({port.id}) has tls-mutual=1 but no trusted-ca, so that nobody could "
                             "connect. Add trusted-ca=<file> to its Transport Parameters.")
        self._files = tuple(filter(None, (certificate, authority)))
        try:
            self._identity = tls.Identity(certificate, given.get("certificate-key", ""), authority=authority,
                                          mutual=mutual)
        except tls.TlsError as error:
            raise NotSecured(f"The certificate of port {port.number} ({port.id}) cannot be used: {error}. {CORRECT}") \
                from error
        self.not_after = tls.expires_at(*self._files)

    @property
    def context(self) -> ssl.SSLContext:
        return self._identity.context

    def look(self, now: float) -> list[tuple[Event, str]]:
        """Take over a certificate that was renewed in place; what there is to log about it, each once."""
        told = []
        try:
            if self._identity.refresh():
                told.append((Event.CONFIGURATION_CHANGED, f"The renewed certificate of port {self._port.number} "
                             f"({self._port.id}) is used for new connections."))
        except tls.TlsError as error:
            told += self._once(f"bad {error}", Event.TLS_INVALID, f"The renewed certificate of port "
                               f"{self._port.number} ({self._port.id}) cannot be used: {error}. The former one is "
                               "still shown.")
        self.not_after = tls.expires_at(*self._files)
        if self.not_after is not None and (level := urgency(self.not_after, now)):
            told += self._once(level, Event.TLS_EXPIRED, f"The certificate of port {self._port.number} "
                               f"({self._port.id}) {ends(self.not_after, now)}. Renew the file in place: it is taken "
                               "over by itself.")
        return told

    def _once(self, what: str, event: Event, sentence: str) -> list[tuple[Event, str]]:
        if what == self._said:
            return []
        self._said = what
        return [(event, sentence)]


def dialling_context(port: Port | None) -> ssl.SSLContext:
    """How this member verifies the other one's secured HA Sync port: by the Transport Parameters of its own.

    Raises NotSecured."""
    given = port.transport if port is not None else {}
    if not given.get("trusted-ca"):
        raise NotSecured("the HA Sync port of the other member is secured, and the one of this server has no "
                         "trusted-ca in its Transport Parameters by which to verify it: add trusted-ca=<file>")
    try:
        return tls.client_context(given["trusted-ca"], given.get("certificate", ""), given.get("certificate-key", ""))
    except tls.TlsError as error:
        raise NotSecured(f"the Transport Parameters of the HA Sync port of this server cannot be used: {error}") \
            from error


async def look_after(secured: Callable[[], Iterable[Secured]], tell: Callable[[Event, str], None]) -> None:
    """Look at every secured port once a minute, until cancelled."""
    while True:
        for each in secured():
            for event, sentence in each.look(time.time()):
                tell(event, sentence)
        await asyncio.sleep(LOOK_S)
