"""Joining over SSH: what is run on the machine, and what is said when it does not go well. Pure."""

import shlex
from dataclasses import dataclass, field

PORT_DEFAULT = 22
PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
LEAST = (3, 11)
FIND_PYTHON = shlex.join(["sh", "-c", (
    f'for p in {" ".join(PYTHONS)}; do "$p" -c "import sys; sys.exit(sys.version_info < {LEAST})" 2>/dev/null '
    '&& echo "$p" && exit 0; done; exit 1')])
"""Prints the first Python that is new enough."""
NEEDS_NO_PASSWORD, HAS_SUDO = "sudo -n true", shlex.join(["sh", "-c", "command -v sudo"])


@dataclass(frozen=True, kw_only=True)
class Login:
    """How to log in once. Lives in memory: a form, a pipe, a process of one minute; nowhere else."""

    user: str
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


def command(line: str, *, python: str, sudo: bool, asks: bool) -> str:
    """What runs on the machine, the command of the join line (``hosts.selectors.joining``) with this ``python``.
    ``sudo``: as root by sudo, which ``asks`` for the password on standard input first."""
    own = line.replace("python3 ", f"{python} ", 1)
    if not sudo:
        return own
    return shlex.join(["sudo", *(["-S", "-p", ""] if asks else ["-n"]), "--", "sh", "-c", own])


def standard_input(login: Login, token: str, *, asks: bool) -> str:
    return (f"{login.password}\n" if asks else "") + f"{token}\n"


def nobody_answers(address: str, port: int, why: str) -> str:
    return (f"Nobody answers SSH at {address} port {port} ({why}). Is the machine on, does sshd run there, is it that "
            "port, and does a firewall let this console through?")


def not_let_in(login: Login) -> str:
    how = "this private key" if login.private_key else "this password"
    return (f"The machine does not let {login.user} log in with {how}. Check both, and that its sshd allows it "
            f"({'PubkeyAuthentication' if login.private_key else 'PasswordAuthentication'}"
            f"{', PermitRootLogin' if login.user == 'root' else ''}).")


def other_host_key(address: str, confirmed: str, shown: str) -> str:
    return (f"The machine at {address} shows another host key than the one that was confirmed: {shown or 'not known'}, "
            f"not {confirmed}. Nothing was sent. If it was not set up anew, somebody may be in between; else start "
            "again and confirm the new key.")


def no_python(user: str) -> str:
    return (f"The machine has no Python {LEAST[0]}.{LEAST[1]} or newer on the path of {user}. Install one (Debian 12: "
            "apt-get install python3), then try again.")


def no_sudo(user: str) -> str:
    return (f"{user} is not root and the machine has no sudo. Log in as root, or install sudo and let {user} use it.")


def not_by_sudo(user: str) -> str:
    return (f"{user} may not become root by sudo without a password. Log in with the password of {user}, as root, or "
            "let it use sudo without one (NOPASSWD).")


def ended(code: int | None, last_words: str) -> str:
    how = "The connection was lost before it ended" if code is None else f"It ended with exit code {code}"
    return f"{how}. {last_words.strip()[-500:] or 'It said nothing.'}"


TOO_LONG = "It took longer than {:.0f} minutes and was given up. What the machine has reported is below."
TOO_MUCH = ("The machine said more than {} MB and the connection was ended. Joining says a few lines: look at what the "
            "shell of this account prints by itself, and whether it is the right machine.")
BROKEN = "Something went wrong that Pairwise did not expect. The log of the web process says what."
