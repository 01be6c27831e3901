"""The worker's side of the LCA Port: plain blocking sockets, so that a cancel interrupts a wait cleanly."""

import contextlib
import socket
import time

from protocol import auth
from protocol.messages import Challenge, Heartbeat, Hello, Message, Refused, Request, Response, Welcome
from protocol.wire import MAX_LINE, OPENING_TIMEOUT_S, SILENCE_HEARTBEATS, WireError, decode, encode

from ..config import AgentConfig
from ..lca import LOOPBACK
from .errors import JobFailed

AGENT_AWAY_S = 15.0
"""How long a restarting agent is waited for."""
RETRY_S = 0.2


class _Line:
    """One connection: messages in and out, heartbeats while waiting."""

    def __init__(self, port: int):
        self._socket = socket.create_connection((LOOPBACK, port), OPENING_TIMEOUT_S)
        self._buffer = bytearray()
        self.heartbeat_s = 1.0

    def send(self, message: Message) -> None:
        self._socket.sendall(encode(message))

    def receive(self) -> Message:
        heard = time.monotonic()
        while True:
            if (end := self._buffer.find(b"\n")) >= 0:
                message = decode(bytes(self._buffer[:end]))
                del self._buffer[: end + 1]
                heard = time.monotonic()
                if not isinstance(message, Heartbeat):
                    return message
                # The agent beats every interval, so answering each beat keeps this side's promise as well.
                self.send(Heartbeat())
                continue
            if time.monotonic() - heard > self.heartbeat_s * SILENCE_HEARTBEATS:
                raise WireError("the agent is silent")
            self._fill()

    def _fill(self) -> None:
        self._socket.settimeout(self.heartbeat_s)
        try:
            chunk = self._socket.recv(65536)
        except TimeoutError:
            self.send(Heartbeat())
            return
        if not chunk:
            raise WireError("the agent closed the connection")
        self._buffer += chunk
        if len(self._buffer) > MAX_LINE:
            raise WireError("the agent sent a line that is too long")

    def close(self) -> None:
        self._socket.close()


class LcaClient:
    """Asks the agent of this host. Every call uses a connection of its own."""

    def __init__(self, config: AgentConfig):
        self._config = config

    def call(self, verb: str, arguments: dict) -> dict:
        """The result of ``verb``. Raises JobFailed: the agent refused, or could not be reached.

        A restarting agent is waited for. All verbs but start may be asked twice, so an answer that was lost is
        asked for again.
        """
        until = time.monotonic() + AGENT_AWAY_S
        while True:
            asked = False
            try:
                with contextlib.closing(self._open()) as line:
                    asked = True
                    line.send(Request(id=1, verb=verb, arguments=arguments))
                    answer = line.receive()
                break
            except (OSError, WireError) as error:
                if (asked and verb == "start") or time.monotonic() > until:
                    raise JobFailed(
                        f"The agent of this host did not answer on LCA Port {self._config.lca_port}: {error}.",
                        "Start the agent on the host, then run the job again.") from None
                if asked:
                    until = time.monotonic() + AGENT_AWAY_S
                time.sleep(RETRY_S)
        if not isinstance(answer, Response):
            raise JobFailed("The agent gave an answer that is none.", "Update the agent.")
        if not answer.ok:
            raise JobFailed(answer.reason, answer.advice)
        return answer.result

    def _open(self) -> _Line:
        line = _Line(self._config.lca_port)
        try:
            challenge = line.receive()
            if not isinstance(challenge, Challenge):
                raise WireError("the agent opened with no challenge")
            name, nonce, secret = self._config.host, auth.new_nonce(), self._config.secret
            line.send(Hello(kind="worker", name=name, nonce=nonce, proof=auth.client_proof(
                secret, server_nonce=challenge.nonce, client_nonce=nonce, kind="worker", name=name)))
            answer = line.receive()
            if isinstance(answer, Refused):
                raise JobFailed(answer.reason, "Another agent may listen on this port: check LCA Port.")
            expected = auth.server_proof(secret, server_nonce=challenge.nonce, client_nonce=nonce)
            if not isinstance(answer, Welcome) or not auth.same(expected, answer.proof):
                raise JobFailed("Another program answers on this host's LCA Port.", "Check LCA Port.")
            line.heartbeat_s = answer.heartbeat_s
        except BaseException:
            line.close()
            raise
        return line
