"""Client ports: bound at start, listened on only by the primary."""

import asyncio
import contextlib
import errno
import functools
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from protocol.handshakes import SecuredListener

from . import system
from .secured import NotSecured, Secured
from .settings import Port

BACKLOG = 512
STANDBY_BACKLOG = 16
IPV4, IPV6 = "0.0.0.0", "::"
EVERYWHERE = (IPV4, IPV6)
NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT))
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PortError(Exception):
    """A port cannot be opened. The text is a sentence; ``tls`` when the certificate is the reason."""

    def __init__(self, sentence: str, *, tls: bool = False):
        super().__init__(sentence)
        self.tls = tls


def bind(port: Port) -> list[socket.socket]:
    """Sockets that hold ``port`` without listening: of IPv4, and of IPv6 where the machine has it, or of the address
    in its Transport Parameters alone. Raises PortError."""
    given = port.transport.get("address")
    held: list[socket.socket] = []
    try:
        for address in (given,) if given else EVERYWHERE:
            try:
                held.append(_strictly_bound(address, port.number))
            except OSError as error:
                # Kernels without IPv6 refuse the socket, those where it is switched off the address.
                if address != IPV6 or error.errno not in NO_IPV6:
                    raise
    except OSError as error:
        _close(held)
        raise _taken(port, error) from error
    return held


def _strictly_bound(address: str, number: int) -> socket.socket:
    # Strict first: with SO_REUSEADDR two sockets that do not listen yet share a port, and the conflict would show
    # only at switchover. SO_REUSEADDR is for leftovers (TIME_WAIT) of our own former connections.
    with contextlib.suppress(OSError):
        return _bound(address, number, reuse=False)
    # On Windows it would take the port from whoever has it.
    return _bound(address, number, reuse=not system.WINDOWS)


def _bound(address: str, number: int, *, reuse: bool) -> socket.socket:
    ipv6 = ":" in address
    held = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if ipv6:
            # Clients of IPv4 come to the other socket, under their own addresses.
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        held.bind((address, number))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, False)
    except OSError:
        held.close()
        raise
    return held


def _close(held: list[socket.socket]) -> None:
    for each in held:
        with contextlib.suppress(OSError):
            each.close()


def _taken(port: Port, error: OSError) -> PortError:
    return PortError(f"Port {port.number} ({port.id}) cannot be opened: {error.strerror}. Stop the program that uses "
                     "it, or change the port in Server Info > Listening Ports.")


class Ports:
    """All listening ports of the server. ``factory`` makes what takes a connection at one of the client ports;
    ``places``: how many may be in a TLS handshake at a port; ``refused`` is told of a port who did not agree on TLS
    there, and why."""

    def __init__(self, ports: tuple[Port, ...], factory: Callable[[Port], asyncio.Protocol], *,
                 places: Callable[[], int], refused: Callable[[Port, str, str], None]):
        self._ports, self._factory, self._places, self._refused = ports, factory, places, refused
        self._held: dict[str, list[socket.socket]] = {}
        self._servers: dict[str, list[asyncio.Server | SecuredListener]] = {}
        self._secured: dict[str, Secured] = {}

    def bind(self) -> None:
        """Hold every port, and check what the secured ones need. Raises PortError."""
        for port in self._ports:
            if port.secured and port.id not in self._secured:
                try:
                    self._secured[port.id] = Secured(port)
                except NotSecured as error:
                    raise PortError(str(error), tls=True) from error
            if port.id not in self._held:
                self._held[port.id] = bind(port)

    async def listen(self) -> list[Port]:
        """Take clients on the client ports; those newly opened. Raises PortError."""
        opened = []
        for port in self._ports:
            if not port.takes_clients or port.id in self._servers:
                continue
            await self._listen(port, functools.partial(self._factory, port), BACKLOG)
            opened.append(port)
        return opened

    async def listen_for_standby(self, connected: Connected) -> Port | None:
        """Take the standby's connections on the HA Sync port; that port, None for none or one that listens already.

        ``connected`` is called with the streams of each. Raises PortError."""
        port = next((port for port in self._ports if port.ha_sync), None)
        if port is None or port.id in self._servers:
            return None

        def streams() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(), connected)

        await self._listen(port, streams, STANDBY_BACKLOG)
        return port

    async def _listen(self, port: Port, factory: Callable[[], asyncio.BaseProtocol], backlog: int) -> None:
        held, servers = self._held[port.id], self._servers.setdefault(port.id, [])
        try:
            for each in held:
                # Accepted connections inherit this, and then a restart can bind beside their leftovers.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
                each.listen(backlog)
            if port.secured:
                servers.append(SecuredListener(held, factory, self._secured[port.id].context, places=self._places,
                                               failed=functools.partial(self._refused, port)))
            else:
                for each in held:
                    servers.append(await asyncio.get_running_loop().create_server(factory, sock=each, backlog=backlog))
        except OSError as error:
            await self._stop({port.id})
            raise _taken(port, error) from error

    @property
    def secured(self) -> list[Secured]:
        return list(self._secured.values())

    async def stop_clients(self) -> None:
        """Take no more clients, but keep holding the ports and taking the standby. Raises PortError."""
        await self._stop({port.id for port in self._ports if port.takes_clients})

    async def stop_listening(self) -> None:
        """Take nobody any more, but keep holding the ports. Raises PortError."""
        await self._stop(set(self._servers))

    async def _stop(self, idents: set[str]) -> None:
        former: list[socket.socket] = []
        for ident in idents & set(self._servers):
            former += self._held.pop(ident)
            for server in self._servers.pop(ident):
                server.close()
                if isinstance(server, SecuredListener):
                    await server.wait_closed()
        await asyncio.sleep(0)  # the sockets close in the next turn of the loop
        _close(former)
        self.bind()

    def close(self) -> None:
        """Give up everything."""
        for server in (server for servers in self._servers.values() for server in servers):
            server.close()
        for held in self._held.values():
            _close(held)
        self._servers.clear()
        self._held.clear()

    def state(self) -> list[dict[str, Any]]:
        """[{id, port, listening, not_after}] as a Report carries it; ``not_after`` of secured ports only."""
        return [{"id": port.id, "port": port.number, "listening": port.id in self._servers,
                 **({"not_after": self._secured[port.id].not_after} if port.id in self._secured else {})}
                for port in self._ports]
