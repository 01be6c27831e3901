"""Files that the console has kept, sent as they are."""

from pathlib import Path

from django.conf import settings

from provisioning.models import InstallationPackage

UNFINISHED = ".import-"
"""So begin the names of files in the packages directory that are still being written."""


def stored_file(package: InstallationPackage) -> Path | None:
    """The package's file, unless it is gone, of another size or outside the packages directory."""
    folder = Path(settings.PAIRWISE_PACKAGES_DIR).resolve()
    path = (folder / package.path).resolve()
    good = path.is_relative_to(folder) and path.is_file() and path.stat().st_size == package.size
    return path if good else None


def client_package() -> Path | None:
    """The client for Python, as a wheel; None when no start has built it."""
    return next(iter(sorted(Path(settings.PAIRWISE_CLIENT_DIR).glob("pairwise_client-*.whl"))), None)
