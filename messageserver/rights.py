"""What a connection may send to and read: a client everything, the console's own logins only what they are for."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol import console_logins, drills, log_logins, log_records

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

    @property
    def limited(self) -> bool:
        return self.sends != EVERYTHING or self.reads != EVERYTHING

    def check_send(self, destination: str) -> None:
        """Raises Refusal."""
        self._check("sends to", self.sends, destination)

    def check_read(self, pattern: str) -> None:
        """Raises Refusal; ``pattern`` may end with ``*``."""
        self._check("reads", self.reads, pattern)

    def _check(self, verb: str, allowed: tuple[str, ...], destination: str) -> None:
        if not any(_covers(each, destination) for each in allowed):
            raise Refusal(f"{self.whose} {verb} {' or '.join(allowed) or 'nothing'}"
                          f"{' and nothing else' if allowed else ''}.")


def _covers(allowed: str, wanted: str) -> bool:
    return wanted.startswith(allowed[:-1]) if allowed.endswith("*") else wanted == allowed


def of_client(login: str) -> Rights:
    return Rights(login=login)


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
