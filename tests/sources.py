"""The sources of this repository, for tests of what nobody may write and of who does a thing alone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("api", "console", "control", "hostagent", "messageserver", "protocol", "provisioning")


def sources(*packages: str) -> dict[str, str]:
    """{path from ROOT: text} of every module of ``packages`` (of those that are shipped), migrations among them."""
    return {path.relative_to(ROOT).as_posix(): path.read_text() for package in packages or SHIPPED
            for path in sorted((ROOT / package).rglob("*.py"))}
