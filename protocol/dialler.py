"""How the side that dials opens a connection, whatever carries its lines."""

from dataclasses import replace
from typing import Unpack

from . import auth
from .lines import RefusedError, SilentError, StrangerError, UntoldError, UntrustedError, WireError
from .message import Message
from .opening_messages import Challenge, Hello, HelloFields, Refused, Welcome


class Dialler:
    """``introduce`` answers the peer's first word, ``believe`` takes its second; then both know that the other knows
    ``secret``. ``hello`` are further fields of Hello."""

    def __init__(self, *, kind: str, name: str, secret: str, **hello: Unpack[HelloFields]):
        self._kind, self._name, self._secret, self._hello = kind, name, secret, hello
        self._nonce, self._challenge = auth.new_nonce(), ""

    def introduce(self, first: Message) -> Hello:
        """Raises RefusedError, WireError."""
        if isinstance(first, Refused):
            raise RefusedError(first.reason, first.event)
        if not isinstance(first, Challenge):
            raise WireError(f"the peer opened with {first.type}, not with a challenge")
        self._challenge = first.nonce
        proof = auth.client_proof(self._secret, **self._nonces, kind=self._kind, name=self._name)
        hello = Hello(kind=self._kind, name=self._name, nonce=self._nonce, proof=proof, **self._hello)
        return replace(hello, signed=auth.sign_opening(self._secret, auth.DIALS, **self._nonces,
                                                       message=hello.to_dict()))

    def believe(self, answer: Message) -> Welcome:
        """Raises RefusedError, StrangerError."""
        if isinstance(answer, Refused):
            raise RefusedError(answer.reason, answer.event, answer.controls)
        expected = auth.server_proof(self._secret, **self._nonces)
        if not isinstance(answer, Welcome) or not auth.same(expected, answer.proof):
            raise StrangerError(
                "the peer does not know the shared secret: it is not the Pairwise that was installed from")
        if not auth.signed_opening(self._secret, auth.IS_DIALLED, **self._nonces, message=answer.as_sent()):
            raise StrangerError("what the peer answered was changed on its way: somebody between the two alters it")
        return answer

    @property
    def _nonces(self) -> dict[str, str]:
        return {"server_nonce": self._challenge, "client_nonce": self._nonce}


def untold(error: WireError, *, secured: bool) -> WireError:
    """What to raise for ``error`` that came instead of the peer's first word."""
    if not secured or isinstance(error, (UntrustedError, SilentError)):
        return error
    # With TLS 1.3 a listener declines a certificate after the handshake, and some do it without a word.
    return UntoldError(f"{error} when TLS was agreed on, without a word: with mutual TLS it wants a certificate from "
                     "this side, of an authority that it trusts")
