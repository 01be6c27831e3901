"""What the audit looks at of the logins of a server's clients, without their passcodes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from protocol import client_logins
from protocol.client_logins import CLIENTS, RIGHTS

SHORTEST, FEWEST_SIGNS = 8, 5
"""Characters of a passcode, and different ones among them: what has less is guessed."""


@dataclass(frozen=True)
class Logins:
    """``plain``: those whose passcode is kept as it is, and ``weak`` those of them whose passcode can be guessed;
    ``unlimited``: those that may everything while others may not; ``of_nobody``: entries of section client-rights
    without a login; ``unread``: (section, login, sentence) of each entry that the server cannot use."""

    plain: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    unlimited: tuple[str, ...] = ()
    of_nobody: tuple[str, ...] = ()
    unread: tuple[tuple[str, str, str], ...] = ()


NO_LOGINS = Logins()


def logins_of(passcodes: Mapping[str, str], rights: Mapping[str, str]) -> Logins:
    """Of the entries of sections clients and client-rights."""
    plain = [login for login, kept in passcodes.items() if not client_logins.is_hashed(kept)]
    return Logins(
        plain=tuple(plain),
        weak=tuple(login for login in plain if _is_weak(login, passcodes[login])),
        unlimited=tuple(login for login in passcodes if login not in rights) if rights else (),
        of_nobody=tuple(login for login in rights if login not in passcodes),
        unread=(*_unused(passcodes), *_unreadable(rights)))


def _is_weak(login: str, passcode: str) -> bool:
    return (len(passcode) < SHORTEST or len(set(passcode)) < FEWEST_SIGNS
            or passcode.casefold() == login.casefold())


def _unused(passcodes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for login, kept in passcodes.items():
        if client_logins.is_reserved(login):
            yield CLIENTS, login, f"its name begins with {client_logins.RESERVED}, as those of the console's own logins"
        elif not client_logins.is_usable(kept):
            yield CLIENTS, login, f"its passcode begins with {client_logins.HASHED} and is no hash"


def _unreadable(rights: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for login, text in rights.items():
        try:
            client_logins.read_rights(text)
        except ValueError:
            yield RIGHTS, login, f"it may nothing, as this is not read=DESTINATIONS; write=DESTINATIONS: {text[:80]}"
