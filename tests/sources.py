"""The sources of this repository, for tests of what nobody may write and of who does a thing alone."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("api", "console", "control", "hostagent", "messageserver", "protocol", "provisioning")


def sources(*packages: str, saying: str = "") -> dict[str, str]:
    """{path from ROOT: text} of every module of ``packages`` (of those that are shipped), migrations among them, with
    the expression ``saying`` somewhere in it: to parse them all takes more than a second of a processor."""
    return {path.relative_to(ROOT).as_posix(): text for package in packages or SHIPPED
            for path in sorted((ROOT / package).rglob("*.py")) if re.search(saying, text := path.read_text())}
