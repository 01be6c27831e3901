"""What a connection may send to and read: a client what the options say, the console's own logins what they are for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol import console_logins, drills, log_logins, log_records
from protocol.client_logins import RIGHTS, ClientRights, covers

from .frames import Refusal

EVERYTHING = ("/*",)
LOG = (f"{log_records.PREFIX}*",)


@dataclass(frozen=True)
class Rights:
    """``sends`` and ``reads`` are destinations, or prefixes that end with ``*``. ``whose`` begins the sentence of a
    refusal. ``login`` is written into the log records of a client; ``publisher`` is that of a publisher of them.
    ``audits``: they may have the category audit. ``asks``: it may ask the server about itself, whatever it is."""

    sends: tuple[str, ...] = EVERYTHING
    reads: tuple[str, ...] = EVERYTHING
    whose: str = ""
    login: str = ""
    publisher: str = ""
    audits: bool = False
    asks: bool = False

    def may_send(self, destinations: Iterable[str]) -> bool:
        """Whether it may send to all of them."""
        return all(_allowed(self.sends, each) for each in destinations)

    def check_send(self, destination: str) -> None:
        """Raises Refusal."""
        if not _allowed(self.sends, destination):
            raise self._refusal("sends to", "send to", self.sends, destination)

    def may_read(self, pattern: str) -> bool:
        """``pattern`` may end with ``*``."""
        return _allowed(self.reads, pattern)

    def check_read(self, pattern: str) -> None:
        """Raises Refusal; ``pattern`` may end with ``*``."""
        if not self.may_read(pattern):
            raise self._refusal("reads", "read", self.reads, pattern)

    def _refusal(self, does: str, may: str, allowed: tuple[str, ...], destination: str) -> Refusal:
        if self.login:
            return Refusal(f"The login {self.login[:80]!r} may not {may} {destination[:80]!r}. What it may is in the "
                           f"options of the application, section {RIGHTS}.")
        return Refusal(f"{self.whose} {does} {' or '.join(allowed) or 'nothing'}"
                       f"{' and nothing else' if allowed else ''}.")


def _allowed(patterns: tuple[str, ...], wanted: str) -> bool:
    return any(covers(each, wanted) for each in patterns)


def of_client(login: str, given: ClientRights | None) -> Rights:
    """What a client may; ``given`` is what section client-rights says of it, None for nothing: then it may all."""
    return Rights(login=login) if given is None else Rights(given.sends, given.reads, login=login)


def internal(headers: Mapping[str, str], secret: str, now: float) -> Rights | None:
    """What one of the console's own logins may; None for a login that is none. Raises Refusal for one that is not good
    at the server with this ``secret`` at ``now`` (Unix time)."""
    login, passcode = headers.get("login", ""), headers.get("passcode", "")
    if drills.is_drill(login):
        destination = drills.opens(secret, login, passcode, now)
        if not destination:
            raise Refusal("The login of this failover drill is not good here: this server has another secret than the "
                          "console, or the clocks of both differ by hours. Install the application again, and compare "
                          "the clocks.")
        return Rights((destination,), (destination,), "A failover drill")
    if log_logins.is_of_log(login):
        if not log_logins.opens(secret, login, passcode):
            raise Refusal("The login of the centralized log is not good here: this server has another secret than the "
                          "console. Install the application again.")
        if login == log_logins.READER:
            return Rights((), LOG, "The reader of the centralized log")
        return Rights(LOG, (), "A publisher of the centralized log", publisher=login,
                      audits=login == log_logins.CONSOLE)
    if console_logins.is_of_console(login):
        if not console_logins.opens(secret, login, passcode):
            raise Refusal("The login of the console is not good here: this server has another secret than the console. "
                          "Install the application again.")
        return Rights(whose="The console", login=login, asks=True)
    return None


def checked_record(rights: Rights, destination: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The headers with which a record of the centralized log is kept. Raises Refusal for what is none, or says of
    itself what its sender may not say."""
    try:
        record = log_records.read(destination, headers, body)
    except ValueError as wrong:
        raise Refusal(str(wrong)) from None
    if record.category == log_records.AUDIT and not rights.audits:
        raise Refusal("Records of the category audit are the console's own: leave out the header category.")
    if not log_logins.may_say(rights.publisher, record.application, record.host):
        raise Refusal(f"A publisher of the centralized log says what it does itself, not what {record.application} "
                      f"{f'on {record.host} ' if record.host else ''}does.")
    if headers.get("dedup-id", "").startswith(log_logins.DEDUP) and not rights.audits:
        raise Refusal(f"A dedup-id that begins with {log_logins.DEDUP} is the console's own: use another one.")
    kept = {name: value for name, value in headers.items() if name != "login"}
    return kept | ({"login": rights.login} if rights.login else {})
