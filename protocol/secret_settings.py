"""Settings that are secrets, or addresses with a password in them: each is given by its variable, or by a file that the
variable with ``_FILE`` at its end names. Environments are copied to children and shown by tools; files have rights."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

FILE = "_FILE"
BROKER_URL = "PAIRWISE_BROKER_URL"
"""Also on hosts, where it overrides ``broker_url`` of agent.json."""
SECRET_SETTINGS = (
    "PAIRWISE_SECRET_KEY",
    "PAIRWISE_SECRET_KEY_FALLBACKS",
    "PAIRWISE_ADMIN_PASSWORD",
    "PAIRWISE_DATABASE_URL",
    "PAIRWISE_CONTROL_DATABASE_URL",
    "PAIRWISE_LOG_DATABASE_URL",
    "PAIRWISE_REDIS_URL",
    BROKER_URL,
    "PAIRWISE_BROKER_URL_FOR_HOSTS",
    "PAIRWISE_SMTP_URL",
    "PAIRWISE_OIDC_CLIENT_SECRET",
    "PAIRWISE_LDAP_BIND_PASSWORD",
    "PAIRWISE_MOVE_PASSWORD",
    "PAIRWISE_BACKUP_KEY",
)
OF_ONE_COMMAND = tuple(each for name in ("PAIRWISE_ADMIN_PASSWORD", "PAIRWISE_MOVE_PASSWORD", "PAIRWISE_BACKUP_KEY")
                       for each in (name, name + FILE))
"""Variables that are of no use to anybody but who sets up, moves or keeps a backup."""
_DATABASES = ("sqlite", "postgres", "postgresql")
SCHEMES = dict.fromkeys(("PAIRWISE_DATABASE_URL", "PAIRWISE_CONTROL_DATABASE_URL", "PAIRWISE_LOG_DATABASE_URL"),
                        _DATABASES)
"""{setting: what its address may begin with}; of the others whatever their library takes."""
LONGEST = 64 * 1024
"""Bytes: whoever names a wrong file gets a sentence, not a console that reads it all."""


class SecretSettingError(Exception):
    """A secret cannot be taken from where it should be. The text says what is wrong and what to do."""


def read(name: str, environ: Mapping[str, str]) -> str:
    """Value of a setting of SECRET_SETTINGS, "" when it is not given. Raises SecretSettingError."""
    if name not in SECRET_SETTINGS:
        raise KeyError(name)
    given, path = environ.get(name, ""), environ.get(name + FILE, "")
    if given and path:
        raise SecretSettingError(f"{name} and {name}{FILE} are both set: unset one of them.")
    return _content(name + FILE, Path(path)) if path else given


def check_scheme(name: str, address: str) -> None:
    """Raises SecretSettingError when the address names a kind of server that Pairwise does not use. The text never has
    the address itself, which may hold a password."""
    scheme = address.partition(":")[0].lower()
    if address and scheme not in SCHEMES.get(name, (scheme,)):
        raise SecretSettingError(f"{name} names a database that Pairwise does not use: write "
                                 "postgres://user:password@host/name or sqlite:////path/of/the/file.")


def variables(name: str) -> tuple[str, str]:
    """Both variables by which a setting may be given."""
    return name, name + FILE


def _content(variable: str, path: Path) -> str:
    """The text of ``path``, without blanks and line ends around it."""
    where = f"{variable} names {path}"
    try:
        # A pipe that nobody writes to must not hold the start up.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            about = os.fstat(file)
            content = os.read(file, LONGEST + 1) if stat.S_ISREG(about.st_mode) else b""
        finally:
            os.close(file)
    except FileNotFoundError:
        raise SecretSettingError(f"{where}, which is not there: make that file, or correct the path.") from None
    except OSError as error:
        raise SecretSettingError(f"{where}, which cannot be read ({error.strerror}): let this account read it.") \
            from None
    if not stat.S_ISREG(about.st_mode):
        raise SecretSettingError(f"{where}, which is no plain file: name the file that holds the secret.")
    if about.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SecretSettingError(f"{where}, which others can read or write. Run: chmod 600 {path}")
    if len(content) > LONGEST:
        raise SecretSettingError(f"{where}, which is longer than {LONGEST // 1024} KB: that cannot be the secret.")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise SecretSettingError(f"{where}, which is no text in UTF-8: write the secret into it as text.") from None
    if not text:
        raise SecretSettingError(f"{where}, which is empty: write the secret into it.")
    return text
