"""Whether an installed program runs as its account: it says its version."""

import contextlib
import os
import pwd
import re
from typing import Any

from ..asked import Answer, ask
from ..launch import server_environment
from ..opened import Directory
from ..ways import looked_at
from .files import identity
from .rights import Account, open_to_others

WITHIN_S = 5.0
OUTPUT_BYTES = 4096
GOOD_FOR_S = 24 * 3600.0
"""A program that ran and was not touched since is run again after that."""
_VERSION = re.compile(r"\b\d{1,4}(?:\.\d{1,6}){1,5}\b")


def version_facts(place: Directory, name: str, account: Account, shipped: dict[str, list[Any]], kept: dict[str, Any], *,
                  now: float) -> dict[str, Any]:
    """``runs``, ``runs_problem`` and ``version`` of *collect_facts* in ``protocol.jobs``. ``name``: of the program in
    the directory; ``shipped``: {name: [identity, SHA-256]} of all that it consists of; ``kept`` is what an earlier look
    found and is brought up to date."""
    key = [name, account.uid, [seen for seen, _ in shipped.values()], _interpreter(place)]
    if kept.get("key") == key and now - kept.get("at", 0.0) < GOOD_FOR_S:
        return {"runs": True, "runs_problem": "", "version": kept["version"]}
    kept.clear()
    if account.uid == 0 and (who := open_to_others(place, shipped)):
        return {"runs": False, "version": "", "runs_problem": f"It was not run as root: others than root can change "
                                                              f"{who}."}
    problem, output = _run(place, name, account)
    found = _VERSION.search(output)
    if problem or not found:
        said = output.strip().splitlines()[-1][:500] if output.strip() else ""
        return {"runs": False, "version": "", "runs_problem": " ".join(filter(None, [
            problem or "It said no version.", f"It said: {said}" if said else ""]))}
    # Only what is good is remembered: what is not may be put right elsewhere than in these files.
    kept.update(key=key, at=now, version=found[0])
    return {"runs": True, "runs_problem": "", "version": found[0]}


def _interpreter(place: Directory) -> list[int]:
    """The identity of the one that Install named for the program."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        path = place.read("python.path", limit=4096).decode().partition("\n")[0].strip()
        with looked_at(path) as (_, descriptor):
            return identity(os.fstat(descriptor))
    return []


def _run(place: Directory, name: str, account: Account) -> tuple[str, str]:
    """(why it failed, or ""; what it said)."""
    other = None
    if os.geteuid() == 0 and account.uid != 0:
        other = (account.uid, pwd.getpwuid(account.uid).pw_gid, sorted(account.groups))
    try:
        answer = ask([f"./{name}", "-V"], directory=place.enter, account=other, environment=server_environment(),
                     within_s=WITHIN_S, limit=OUTPUT_BYTES)
    except OSError as error:
        return f"{os.path.join(place.path, name)} cannot be run as {account.name}: {error.strerror}.", ""
    return _problem(answer), answer.text


def _problem(answer: Answer) -> str:
    if answer.code is None:
        return f"It did not end within {WITHIN_S:g} s." if len(answer.text) < OUTPUT_BYTES else "It talks without end."
    return f"It ended with exit code {answer.code}." if answer.code else ""
