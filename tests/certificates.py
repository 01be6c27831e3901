"""Certificates of tests: an authority in a directory, and what it makes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioning.core.authority import Authority


class Certificates:
    """``authority`` is a file; ``issue`` gives (certificate, key) files."""

    def __init__(self, directory: Path):
        self._authority = Authority(directory)
        self._authority.provide(["localhost"], now=datetime.now(UTC) - timedelta(days=1000))
        self._count = 0

    @property
    def authority(self) -> Path:
        return self._authority.certificate

    def issue(self, *names: str, days: float = 100) -> tuple[Path, Path]:
        """For ``names``, expiring in ``days`` from now (397 after it was made)."""
        self._count += 1
        made = datetime.now(UTC) + timedelta(days=days - 397)
        certificate, key = self._authority.issue("test", names, now=made)
        files = tuple(self._authority.directory / f"{self._count}.{kind}" for kind in ("pem", "key"))
        for path, data in zip(files, (certificate, key), strict=True):
            path.write_bytes(data)
            path.chmod(0o600)
        return files
