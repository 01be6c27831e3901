"""A backup put back: into a data directory without a console, or over one, whose files are put aside."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from console import kept_databases
from console.backup import contents, databases
from console.backup.archive import Manifest, Reading
from console.backup.databases import FILES, SQLITE
from console.backup.sealed import CannotOpen
from console.kept_databases import CONFIGURATION, LOG, RECORD, SETTLED
from console.relocation import commands, recovery, target
from console.up.emptiness import holds_somebody
from protocol.secret_settings import read

ADDRESS = {"default": CONFIGURATION, "control": RECORD, "log": LOG}
SETTINGS_PLACE = "restored-settings"
Say = Callable[[str], None]


class Restorer:
    """``over``: what is there is put aside. Raises CannotOpen, Unfit and OSError."""

    def __init__(self, place: Path, key: str, *, over: bool, say: Say):
        self.place, self.key, self.over, self.say = place, key, over, say
        self.data_dir: Path = settings.PAIRWISE_DATA_DIR
        self.aside = self.data_dir / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"

    def restore(self) -> None:
        recovery.require_nobody_at_work(self.data_dir)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=self.data_dir) as staging:
            directory = Path(staging)
            self.say(f"Reading {self.place}")
            with Reading(self.place, self.key) as reading:
                manifest = reading.manifest
                require_known(manifest)
                reading.unpack(directory)
            addresses = addresses_for(manifest, directory / "files", os.environ)
            require_key_of(directory / "files", os.environ)
            self._require_room(manifest)
            for address in addresses.values():
                target.require_fit(address, "")
            mark = self.data_dir / recovery.RESTORING
            mark.write_text(self.place.name)
            self._place(manifest, directory, addresses)
            self._fill(manifest, directory / "databases", addresses)
            mark.unlink()

    def _require_room(self, manifest: Manifest) -> None:
        is_broken_off = (self.data_dir / recovery.RESTORING).exists()
        there = [path for path in self._there() if path.exists()]
        used = holds_somebody(self.data_dir / FILES["default"]) or (self.data_dir / kept_databases.FILE).exists()
        if used and not self.over and not is_broken_off:
            raise CannotOpen(f"{self.data_dir} has a console ({there[0].name}): name another directory in "
                             "PAIRWISE_DATA_DIR, or add --over, which puts aside what is there.")

    def _there(self) -> Iterator[Path]:
        """What a restore puts in another one's place."""
        for name in FILES.values():
            yield from (self.data_dir / f"{name}{end}" for end in ("", "-wal", "-shm"))
        for name in (kept_databases.FILE, contents.KEY, *contents.PLAIN, contents.TLS, SETTINGS_PLACE):
            yield self.data_dir / name

    def _place(self, manifest: Manifest, directory: Path, addresses: Mapping[str, str]) -> None:
        self.say("Putting files in their places")
        there = [path for path in self._there() if path.exists()]
        if [path.name for path in there] == [contents.KEY] and not self.over:
            # This process itself has made it, or it is of no use: nothing was encrypted with it here.
            there.pop().unlink()
        for path in there:
            self.aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(self.aside / path.name)
        for alias, about in manifest.databases.items():
            if about["engine"] == SQLITE:
                (directory / "databases" / FILES[alias]).rename(self.data_dir / FILES[alias])
        files = directory / "files"
        for name in (contents.KEY, "broker_password", contents.TLS):
            if (files / name).exists():
                (files / name).rename(self.data_dir / name)
        if (files / contents.PACKAGES).is_dir():
            shutil.copytree(files / contents.PACKAGES, settings.PAIRWISE_PACKAGES_DIR, dirs_exist_ok=True)
        (files / contents.SETTINGS).rename(self.data_dir / SETTINGS_PLACE)
        self._keep_addresses(files, addresses)

    def _keep_addresses(self, files: Path, addresses: Mapping[str, str]) -> None:
        kept = kept_databases.read(files)
        if kept is not None and kept.counts and not read(CONFIGURATION, os.environ):
            kept_databases.write(self.data_dir, replace(kept.now(SETTLED), addresses=dict(addresses)))

    def _fill(self, manifest: Manifest, directory: Path, addresses: Mapping[str, str]) -> None:
        """Databases elsewhere."""
        if not addresses:
            return
        self.say("Making the tables")
        try:
            commands.manage("migrate", "--verbosity", "0", addresses=addresses)
        except commands.CommandFailed as failed:
            raise CannotOpen(f"The tables could not be made ({failed}): empty that database, then restore "
                             "again.") from None
        for alias, about in manifest.databases.items():
            if about["engine"] != SQLITE:
                self.say(f"Filling {kept_databases.shown(addresses[ADDRESS[alias]])}")
                rows = databases.fill(addresses[ADDRESS[alias]], about["tables"], directory / alias)
                self.say(f"  {rows:,} rows")


def require_known(manifest: Manifest) -> None:
    """Raises CannotOpen for a backup of another version, as far as that matters."""
    loader = MigrationLoader(None)
    ours = set(loader.disk_migrations)
    for about in manifest.databases.values():
        theirs = {(app, name) for app, name in about["migrations"]}
        if newer := sorted(theirs - ours):
            raise CannotOpen(f"This backup was made by a newer version of Pairwise, {manifest.version} "
                             f"({newer[-1][1]}): restore it with that one.")
    main = manifest.databases["default"]
    theirs = {(app, name) for app, name in main["migrations"]}
    if main["engine"] != SQLITE and any(node not in theirs for node in loader.graph.leaf_nodes()):
        raise CannotOpen(f"This backup was made by version {manifest.version} of Pairwise: restore it with that one, "
                         "then upgrade.")


def addresses_for(manifest: Manifest, files: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """{setting: address} of the databases elsewhere that are to be filled. Raises CannotOpen."""
    kept, found = kept_databases.read(files), {}
    for alias, about in manifest.databases.items():
        name = ADDRESS[alias]
        given = read(name, environ)
        if about["engine"] == SQLITE:
            if given:
                raise CannotOpen(f"This backup holds files of SQLite, and {name} names another database: unset it, "
                                 "restore, start, and run ./run move --to ADDRESS.")
            continue
        address = given or (kept.addresses.get(name, "") if kept is not None else "")
        if not address:
            raise CannotOpen(f"This backup was made on PostgreSQL: set {name} to an empty database there.")
        found[name] = address
    return found


def require_key_of(files: Path, environ: Mapping[str, str]) -> None:
    """Raises CannotOpen when a key is given that is not that of the backup."""
    given = read("PAIRWISE_SECRET_KEY", environ)
    if given and given != (files / contents.KEY).read_text():
        raise CannotOpen("PAIRWISE_SECRET_KEY is another key than that of this backup: unset it, or set it to that "
                         "one.")

