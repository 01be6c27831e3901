"""One SSH session with a machine that is to join: host key, log in, run. Nothing of this machine's own SSH set-up
(keys, agent, configuration) is used.

asyncssh is imported by what uses it: it takes a sixth of the time in which the web process starts, and most of them
never join a machine by SSH.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.hosts.rules import ssh_joining as rules
from provisioning.hosts.rules.ssh_joining import Login

if TYPE_CHECKING:
    import asyncssh

CONNECT_S, LOGIN_S, ASK_S, RUN_S = 8.0, 20.0, 20.0, 600.0
ALIVE_EVERY_S, ALIVE_MISSED = 5, 4
NAME_MAX, WORDS_MAX, PIECE, OUTPUT_MAX = 200, 4000, 65_536, 1_000_000
"""Characters of what a machine says: of its Python's name, of its end, at once, and in all."""


class SshFailed(Exception):
    """It did not go well. The text is a sentence that says what to do."""


@dataclass(frozen=True)
class HostKey:
    """``text`` is a line as in known_hosts without the name: algorithm and key."""

    text: str
    fingerprint: str


def host_key(address: str, port: int) -> HostKey:
    """The key that the machine shows, seen and not yet trusted. Raises SshFailed."""
    import asyncssh

    async def ask():
        async with asyncio.timeout(CONNECT_S):
            return await asyncssh.get_server_host_key(address, port, config=None)

    try:
        key = asyncio.run(ask())
    except (OSError, TimeoutError, asyncssh.Error) as error:
        raise SshFailed(rules.nobody_answers(address, port, _why(error))) from None
    if key is None:
        raise SshFailed(rules.nobody_answers(address, port, "it shows no host key"))
    return HostKey(key.export_public_key("openssh").decode().strip(), key.get_fingerprint())


def fingerprint_of(text: str) -> str:
    """Of a kept host key, "" when it is none."""
    import asyncssh

    try:
        return asyncssh.import_public_key(text).get_fingerprint()
    except asyncssh.KeyImportError:
        return ""


def why_no_key(login: Login) -> str:
    """"" when the private key of ``login`` can be used, else a sentence."""
    import asyncssh

    try:
        _keys(login)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError, ValueError) as error:
        if isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower():
            return "The private key is encrypted, and the passphrase is missing or wrong."
        return f"This is no private key that can be read ({error}). Paste the whole file, with its first and last line."
    return ""


def _keys(login: Login) -> list | None:
    import asyncssh

    if not login.private_key:
        return None
    return [asyncssh.import_private_key(login.private_key, login.passphrase or None)]


async def run_join(address: str, port: int, *, key: str, login: Login, line: str, token: str, logged_in) -> None:
    """Log in and run ``line`` with ``token``; ``logged_in(sentence)`` is awaited once it is about to run.

    Raises SshFailed.
    """
    import asyncssh

    try:
        async with asyncio.timeout(RUN_S):
            async with await _connect(address, port, key, login) as connection:
                python, sudo, asks = await _look(connection, login)
                by = " by sudo" if sudo else ""
                await logged_in(f"As {login.user}{by}, with {python}.")
                await _run(connection, rules.command(line, python=python, sudo=sudo, asks=asks),
                           rules.standard_input(login, token, asks=asks))
    except TimeoutError:
        raise SshFailed(rules.TOO_LONG.format(RUN_S / 60)) from None
    except (OSError, asyncssh.Error) as error:
        raise SshFailed(rules.ended(None, _why(error))) from None


async def _connect(address: str, port: int, key: str, login: Login) -> "asyncssh.SSHClientConnection":
    import asyncssh

    trusted = asyncssh.import_public_key(key)
    try:
        return await asyncssh.connect(
            address, port, username=login.user, password=login.password or None, client_keys=_keys(login),
            known_hosts=([trusted], [], []), agent_path=None, config=None, connect_timeout=CONNECT_S,
            login_timeout=LOGIN_S, keepalive_interval=ALIVE_EVERY_S, keepalive_count_max=ALIVE_MISSED)
    except asyncssh.HostKeyNotVerifiable:
        raise SshFailed(rules.other_host_key(address, trusted.get_fingerprint(), await _shown(address, port))) from None
    except asyncssh.PermissionDenied:
        raise SshFailed(rules.not_let_in(login)) from None
    except (OSError, TimeoutError, asyncssh.Error) as error:
        raise SshFailed(rules.nobody_answers(address, port, _why(error))) from None


async def _shown(address: str, port: int) -> str:
    import asyncssh

    try:
        key = await asyncssh.get_server_host_key(address, port, config=None)
    except (OSError, asyncssh.Error):
        return ""
    return key.get_fingerprint() if key is not None else ""


async def _look(connection: "asyncssh.SSHClientConnection", login: Login) -> tuple[str, bool, bool]:
    """(Python, by sudo, sudo asks for a password). Raises SshFailed."""
    code, said = await _ask(connection, rules.FIND_PYTHON)
    python = (said.strip().splitlines() or [""])[-1]
    if code != 0 or not 0 < len(python) <= NAME_MAX:
        raise SshFailed(rules.no_python(login.user))
    if (await _ask(connection, "id -u"))[1].strip() == "0":
        return python, False, False
    if (await _ask(connection, rules.HAS_SUDO))[0] != 0:
        raise SshFailed(rules.no_sudo(login.user))
    if (await _ask(connection, rules.NEEDS_NO_PASSWORD))[0] == 0:
        return python, True, False
    if not login.password:
        raise SshFailed(rules.not_by_sudo(login.user))
    return python, True, True


async def _ask(connection: "asyncssh.SSHClientConnection", command: str) -> tuple[int | None, str]:
    """(exit status, what it said) of something short, without what it said as an error. Raises SshFailed."""
    import asyncssh

    async with asyncio.timeout(ASK_S):
        return await _output(connection, command, stderr=asyncssh.DEVNULL)


async def _run(connection: "asyncssh.SSHClientConnection", command: str, given: str) -> None:
    import asyncssh

    code, said = await _output(connection, command, input=given, stderr=asyncssh.STDOUT)
    if code != 0:
        lines = said[-WORDS_MAX:].strip().splitlines()
        raise SshFailed(rules.ended(code, lines[-1] if lines else ""))


async def _output(connection: "asyncssh.SSHClientConnection", command: str, **how) -> tuple[int | None, str]:
    """(exit status, what it said), read in pieces: a machine that talks without end fills no memory. Raises
    SshFailed once it has said more than OUTPUT_MAX."""
    process = await connection.create_process(command, errors="replace", **how)
    pieces, size = [], 0
    while piece := await process.stdout.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > OUTPUT_MAX:
            connection.abort()
            raise SshFailed(rules.TOO_MUCH.format(OUTPUT_MAX // 1_000_000))
    return (await process.wait()).exit_status, "".join(pieces)


def _why(error: BaseException) -> str:
    return str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error or "no answer in time")
