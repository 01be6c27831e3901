"""Suites of others against a server of ours: unpacked, run, compared with what docs/conformance.md says of them."""

import hashlib
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from .conftest import ROOT

ARCHIVES = Path(__file__).parent / "foreign"
NODE = compute_driver_executable()[0]
LOGINS = {"clients": {"admin": "password", "guest": "guest", "bench": "benchpass"}}
"""Options of a server with the logins that suites have written in."""
_TEXT = (ROOT / "docs/conformance.md").read_text()


def unpacked(archive: str, directory: Path) -> Path:
    """The one folder that ``archive`` holds, in ``directory``."""
    file = ARCHIVES / archive
    assert f"`{archive}`" in (ARCHIVES / "README.md").read_text()
    assert f"`{hashlib.sha256(file.read_bytes()).hexdigest()}`" in (ARCHIVES / "README.md").read_text()
    with tarfile.open(file) as opened:
        opened.extractall(directory, filter="data")
        return directory / next(name for name in opened.getnames() if "/" in name).split("/")[0]


def listening(port: int, protocol: str = "stomp", ident: str = "default") -> dict[str, object]:
    """A port, as the configuration of a server has it."""
    return {"id": ident, "port": str(port), "protocol": protocol, "ha_sync": False}


def documented(suite: str) -> tuple[int, set[str]]:
    """What the table of foreign suites says of ``suite``: how many cases are run, and which are left out."""
    [(run, without)] = re.findall(rf"^\| {re.escape(suite)} \| (\d+) \| (.*)\|$", _TEXT, re.MULTILINE)
    return int(run), set(re.findall(r"`([^`]+)`", without))


def check(suite: str, outcomes: Mapping[str, str], without: set[str]) -> None:
    """``outcomes``: of each case what was wrong, nothing if it passed. Exactly what is documented is so."""
    assert not any(outcomes.values()), "\n".join(f"{case}: {wrong}" for case, wrong in outcomes.items() if wrong)
    assert (len(outcomes), without) == documented(suite)
