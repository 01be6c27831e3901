"""What of a console's files goes into a backup: what nobody can make again."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.conf import settings

from console import kept_databases
from protocol.secret_settings import FILE, OF_ONE_COMMAND
from provisioning.catalog.stored import UNFINISHED

SETTINGS, SETTINGS_FILE = "settings", "settings.env"
NAMED_BY = ("PAIRWISE_TLS_CERTIFICATE", "PAIRWISE_TLS_KEY", "PAIRWISE_TLS_CA", "PAIRWISE_REDIS_CA", "PAIRWISE_DRILL_CA",
            "PAIRWISE_OIDC_CA", "PAIRWISE_LDAP_CA")
"""Settings whose files are of no use to anybody without them; those that end with _FILE are others."""
KEY, PACKAGES, TLS = "secret_key", "packages", "tls"
PLAIN = ("broker_password", kept_databases.FILE)


def gather(directory: Path, environment: Mapping[str, str]) -> None:
    """Copies into ``directory``. Raises OSError."""
    data_dir = settings.PAIRWISE_DATA_DIR
    _private(directory / KEY).write_text(settings.SECRET_KEY)
    for name in PLAIN:
        if (data_dir / name).is_file():
            shutil.copyfile(data_dir / name, _private(directory / name))
    for name, source in ((TLS, settings.PAIRWISE_TLS_DIR), (PACKAGES, settings.PAIRWISE_PACKAGES_DIR)):
        if source.is_dir():
            shutil.copytree(source, directory / name, symlinks=True, copy_function=shutil.copyfile,
                            ignore=shutil.ignore_patterns(f"{UNFINISHED}*"))
    (directory / SETTINGS).mkdir()
    lines = [f"{name}={value}\n" for name, value in sorted(kept_settings(environment).items())]
    _private(directory / SETTINGS / SETTINGS_FILE).write_text("".join(lines))
    for name, path in named_files(environment):
        shutil.copyfile(path, _private(directory / SETTINGS / name))


def size(with_log: bool) -> int:
    """Bytes that a copy takes at most, of what is a file here."""
    paths = [Path(str(database["NAME"])) for alias, database in settings.DATABASES.items()
             if database["ENGINE"].endswith("sqlite3") and (with_log or alias != "log")]
    for source in (settings.PAIRWISE_TLS_DIR, settings.PAIRWISE_PACKAGES_DIR):
        paths += source.rglob("[!.]*") if source.is_dir() else ()
    return sum(path.stat().st_size for path in paths if path.is_file())


def kept_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """As run.env has them."""
    return {name: value for name, value in environment.items()
            if name.startswith("PAIRWISE_") and name not in OF_ONE_COMMAND and "\n" not in value}


def named_files(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """(setting, path) of each file that a setting names and that can be read."""
    for name, value in sorted(kept_settings(environment).items()):
        if (name.endswith(FILE) or name in NAMED_BY) and os.access(value, os.R_OK) and Path(value).is_file():
            yield name, Path(value)


def _private(path: Path) -> Path:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path
