"""A random passcode for a client of a Message Server, and what the server keeps of it."""

from dataclasses import dataclass, field

from protocol import client_logins
from provisioning.errors import Refusal, Refused


@dataclass(frozen=True)
class Passcode:
    """``text`` is for the client, ``entry`` for section [clients] of the options."""

    login: str
    text: str = field(repr=False)
    entry: str


def make(login: str) -> Passcode:
    """It is kept nowhere. Raises Refused."""
    if client_logins.is_reserved(login):
        raise Refused(Refusal(f"Logins that begin with {client_logins.RESERVED} are the console's own. Choose another "
                              "name.", "login"))
    text = client_logins.new_passcode()
    return Passcode(login, text, client_logins.hashed(text))
