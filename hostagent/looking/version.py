"""Whether an installed program runs as its account: it says its version."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping

from ..launch import server_environment
from .files import identity
from .rights import Account

WITHIN_S = 5.0
OUTPUT_BYTES = 4096
GOOD_FOR_S = 24 * 3600.0
"""A program that ran and was not touched since is run again after that."""
_VERSION = re.compile(r"\b\d{1,4}(?:\.\d{1,6}){1,5}\b")


def version_facts(program: str, directory: str, account: Account, touched: list, kept: dict, *, now: float) -> dict:
    """``runs``, ``runs_problem`` and ``version`` of *collect_facts* in ``protocol.jobs``. ``touched``: identities of
    all that the program consists of; ``kept`` is what an earlier look found and is brought up to date."""
    python = _python(directory)
    key = [program, account.uid, touched, identity(program), identity(python) if python else []]
    if kept.get("key") == key and now - kept.get("at", 0.0) < GOOD_FOR_S:
        return {"runs": True, "runs_problem": "", "version": kept["version"]}
    problem, output = _run([program, "-V"], directory, account)
    found = _VERSION.search(output)
    kept.clear()
    if problem or not found:
        said = output.strip().splitlines()[-1][:500] if output.strip() else ""
        return {"runs": False, "version": "", "runs_problem": " ".join(filter(None, [
            problem or "It said no version.", f"It said: {said}" if said else ""]))}
    # Only what is good is remembered: what is not may be put right elsewhere than in these files.
    kept.update(key=key, at=now, version=found[0])
    return {"runs": True, "runs_problem": "", "version": found[0]}


def _python(directory: str) -> str:
    """The interpreter that Install named for the program."""
    try:
        with open(os.path.join(directory, "python.path")) as file:
            return file.readline(4096).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _run(argv: list[str], directory: str, account: Account) -> tuple[str, str]:
    """(why it failed, or ""; what it said)."""
    as_account: Mapping = {}
    if os.geteuid() == 0 and account.uid != 0:
        as_account = {"user": account.uid, "group": _main_group(account), "extra_groups": sorted(account.groups)}
    try:
        process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=server_environment(), start_new_session=True,
                                   **as_account)
    except OSError as error:
        return f"{argv[0]} cannot be run as {account.name}: {error.strerror}.", ""
    with process:
        try:
            output = _read(process, time.monotonic() + WITHIN_S)
            process.wait(WITHIN_S if len(output) < OUTPUT_BYTES else 0)
        except subprocess.TimeoutExpired:
            return f"It did not end within {WITHIN_S:g} s.", ""
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    text = output.decode("utf-8", "replace").replace("\0", "�")
    return ("" if process.returncode == 0 else f"It ended with exit code {process.returncode}."), text


def _read(process: subprocess.Popen, until: float) -> bytes:
    """What it says until its end, OUTPUT_BYTES at most. Raises TimeoutExpired."""
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(output) < OUTPUT_BYTES:
            left = until - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise subprocess.TimeoutExpired(process.args, WITHIN_S)
            chunk = os.read(process.stdout.fileno(), OUTPUT_BYTES - len(output))
            if not chunk:
                break
            output += chunk
    return output


def _main_group(account: Account) -> int:
    import pwd

    return pwd.getpwuid(account.uid).pw_gid
