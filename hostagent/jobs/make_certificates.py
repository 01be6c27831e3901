"""The job that brings a server the certificate of its secured ports: made by the console, written here."""

import tempfile
from pathlib import Path
from typing import Any

from protocol.certificate_files import DIRECTORY, FILES, certificate_paths
from protocol.files import write_atomically
from protocol.tls import Identity, TlsError, client_context, expires_at

from . import target
from .accounts import account_named, owner_of
from .check_start_files import directory_of
from .context import Context
from .errors import JobFailed, told
from .fetch import fetch_certificate
from .journal import Entry
from .run import Run
from .startfacts import opened

FETCH, WRITE = range(2)
MODES = {"trusted_ca": 0o644, "certificate_key": 0o600, "certificate": 0o644}
"""In the order of writing. A server that looks in between finds a pair that does not fit, and goes on with the one that
it has."""


def work(run: Run) -> dict[str, Any]:
    """The result of *make_certificates* in ``protocol.jobs``. Raises JobFailed."""
    config = run.context.config
    place = directory_of(run)
    target.check(place, taken=[], own=(config.state_dir, config.install_root, config.path.parent),
                 private=(config.jobs_dir, config.log_dir, config.packages_dir, config.state_dir / "run"))
    account = account_named(run.arguments.get("log_on_as", ""))
    with run.step(FETCH):
        made = fetch_certificate(config, str(run.arguments["certificate_path"]))
        not_after = _look(made, config.state_dir)
    with run.step(WRITE), run.shield():
        _write(place, made, owner_of(account))
        run.log(f"Certificate, key and authority are in {place / DIRECTORY}.")
    asked = target.named(run.arguments.get("directory", ""), "", config.install_root)
    return {**certificate_paths(str(asked)), "not_after": not_after}


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """A certificate that was written is as good as the one before."""
    return "Certificate and key may be in place; run it again." if lost else ""


def _look(made: dict[str, str], private: Path) -> float | None:
    """When the certificate expires. Looked at in a directory below ``private``, where nobody else can put another.
    Raises JobFailed."""
    with tempfile.TemporaryDirectory(prefix="certificate-", dir=private) as directory:
        paths = {name: str(Path(directory) / file) for name, file in FILES.items()}
        for name, path in paths.items():
            write_atomically(Path(path), made[name].encode(), lasting=False)
        try:
            Identity(paths["certificate"], paths["certificate_key"])
            client_context(paths["trusted_ca"])
        except TlsError as error:
            raise JobFailed(f"What the console made cannot be used here: {error}.", "Update the console.") from None
        return expires_at(paths["certificate"])


def _write(place: Path, made: dict[str, str], owner: tuple[int, int] | None) -> None:
    """Raises JobFailed."""
    with opened(place) as directory:
        with told(f"{place / DIRECTORY} cannot be made or is no directory",
                  "Move away what has that name, then try again."):
            within = directory.make_or_open(DIRECTORY)
        with within, told(f"The files cannot be written into {within.path}",
                          "Correct the rights of the directory or make room, then try again."):
            if owner is not None:
                within.give(owner)
            for name, mode in MODES.items():
                within.replace_file(FILES[name], made[name].encode(), mode, owner)
            within.sync()
