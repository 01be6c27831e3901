"""``pairwise ARGS``: a command of the console that is a service here, as its account and with its settings."""

import os
import pwd
import sys
from collections.abc import Mapping, Sequence

from console.service.layout import ACCOUNT, DATA, PROGRAM, PYTHON, SETTINGS
from console.service.settings_file import Unreadable, parse
from protocol.secret_settings import OF_ONE_COMMAND

HELP = """pairwise ARGS: a command of the console on this machine, for example: pairwise status --json
Run it as root or as the account pairwise. `pairwise help` lists the commands; docs/commands.md explains them, where
they are called ./run manage ARGS."""


def main(arguments: Sequence[str]) -> int:
    """Becomes the command; the exit code where it cannot: 2, with a sentence on stderr."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP)
        return 0
    try:
        settings = parse(SETTINGS.read_text())
        become(ACCOUNT)
    except OSError as error:
        print(f"{error.filename or ACCOUNT}: {error.strerror}. Run this command as root or as the account {ACCOUNT}.",
              file=sys.stderr)
        return 2
    except Unreadable as error:
        print(f"{SETTINGS}: {error}", file=sys.stderr)
        return 2
    except KeyError:
        print(f"There is no account {ACCOUNT} on this machine: install Pairwise as a service first "
              "(docs/installing.md).", file=sys.stderr)
        return 2
    os.execve(PYTHON, [str(PYTHON), str(PROGRAM / "manage.py"), *arguments], environment(os.environ, settings))


def environment(ours: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Of the command. Of ``ours``, whoever calls it, nothing that would have it work with another console, or load
    another program, than the service does."""
    kept = {name: value for name, value in ours.items()
            if name in OF_ONE_COMMAND or not name.startswith(("PAIRWISE_", "DJANGO_", "PYTHON"))}
    return kept | {"PAIRWISE_DATA_DIR": str(DATA)} | dict(settings)


def become(account: str) -> None:
    """This process has the rights of ``account`` from now on. Raises KeyError without such an account, OSError."""
    who = pwd.getpwnam(account)
    if os.geteuid() == who.pw_uid:
        return
    os.initgroups(account, who.pw_gid)
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
    os.environ["HOME"] = who.pw_dir
