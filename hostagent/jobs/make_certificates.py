"""The job that brings a server the certificate of its secured ports: made by the console, written here."""

import os
import pwd
from pathlib import Path

from protocol.certificate_files import DIRECTORY, FILES, certificate_paths
from protocol.tls import Identity, TlsError, client_context, expires_at

from . import target
from .accounts import account_named
from .check_start_files import directory_of
from .errors import JobFailed
from .fetch import fetch_certificate

FETCH, WRITE = range(2)
MODES = {"trusted_ca": 0o644, "certificate_key": 0o600, "certificate": 0o644}
"""In the order of writing. A server that looks in between finds a pair that does not fit, and goes on with the one that
it has."""


def work(run) -> dict:
    """The result of *make_certificates* in ``protocol.jobs``. Raises JobFailed."""
    config = run.context.config
    place = directory_of(run)
    target.check(place, taken=[], own=(config.state_dir, config.install_root, config.path.parent),
                 private=(config.jobs_dir, config.log_dir, config.packages_dir, config.state_dir / "run"))
    account = account_named(run.arguments.get("log_on_as", ""))
    with run.step(FETCH):
        made = fetch_certificate(config, str(run.arguments["certificate_path"]))
    with run.step(WRITE), run.shield():
        _write(place / DIRECTORY, made, account)
        paths = certificate_paths(str(target.named(run.arguments.get("directory", ""), "", config.install_root)))
        not_after = _look(paths)
        run.log(f"Certificate, key and authority are in {place / DIRECTORY}.")
    return {**paths, "not_after": not_after}


def undo(context, entry, *, lost: bool) -> str:
    """A certificate that was written is as good as the one before."""
    return "Certificate and key may be in place; run it again." if lost else ""


def _write(directory: Path, made: dict[str, str], account: pwd.struct_passwd | None) -> None:
    """Raises JobFailed."""
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
        # The application's account owns what is around: nothing that it put there as a link is followed.
        within = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise JobFailed(f"{directory} cannot be made or is no directory: {error.strerror}.",
                        "Move away what has that name, then try again.") from None
    try:
        if account is not None:
            os.fchown(within, account.pw_uid, account.pw_gid)
        for name, mode in MODES.items():
            _replace(within, FILES[name], made[name].encode(), mode, account)
    except OSError as error:
        raise JobFailed(f"The files cannot be written into {directory}: {error.strerror}.",
                        "Correct the rights of the directory or make room, then try again.") from None
    finally:
        os.close(within)


def _replace(within: int, name: str, data: bytes, mode: int, account: pwd.struct_passwd | None) -> None:
    beside = f".{name}.{os.getpid()}.tmp"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=within)
    with open(handle, "wb") as file:
        os.fchmod(handle, mode)
        if account is not None:
            os.fchown(handle, account.pw_uid, account.pw_gid)
        file.write(data)
        file.flush()
        os.fsync(handle)
    os.replace(beside, name, src_dir_fd=within, dst_dir_fd=within)


def _look(paths: dict[str, str]) -> float | None:
    try:
        Identity(paths["certificate"], paths["certificate_key"])
        client_context(paths["trusted_ca"])
    except TlsError as error:
        raise JobFailed(f"What the console made cannot be used here: {error}.", "Update the console.") from None
    return expires_at(paths["certificate"])
