#!/usr/bin/env python3
"""Makes the passwords and the key that compose.yaml needs, as files that only their container's account can read:

    sudo python3 deploy/make_secrets.py ADDRESS      ADDRESS: under which hosts reach this machine

What is there already stays. The certificates (console.pem, console.key, ca.pem) have to be put beside them."""

import argparse
import os
import secrets
from pathlib import Path

CONSOLE, STORES = 10001, 999
"""Accounts in the containers: of the Dockerfile; of the images of PostgreSQL and Valkey."""
CERTIFICATES = {"console": ("console.pem", "console.key", "ca.pem"), "stores": ("redis.pem", "redis.key", "ca.pem")}


def make(directory: Path, address: str) -> list[Path]:
    """What was made. Addresses name the passwords that are in the other files."""
    made = [*_keep(directory / "stores" / "database_password", secrets.token_hex(24), STORES),
            *_keep(directory / "stores" / "redis_access", f"requirepass {secrets.token_hex(24)}", STORES)]
    database = (directory / "stores" / "database_password").read_text().strip()
    redis = (directory / "stores" / "redis_access").read_text().split()[1]
    return [*made, *_keep(directory / "console" / "secret_key", secrets.token_urlsafe(48), CONSOLE),
            *_keep(directory / "console" / "database_url",
                   f"postgres://pairwise:{database}@postgres/pairwise", CONSOLE),
            *_keep(directory / "console" / "log_database_url",
                   f"postgres://pairwise:{database}@log-postgres/pairwise_log", CONSOLE),
            *_keep(directory / "console" / "redis_url", f"rediss://:{redis}@{address}:6380/0", CONSOLE)]


def _keep(path: Path, text: str, account: int) -> list[Path]:
    for each in reversed([folder for folder in path.parents if not folder.exists()]):
        each.mkdir(mode=0o711)
        # Whatever the umask: containers come through, and nobody puts other secrets there.
        each.chmod(0o711)
    try:
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            os.fchown(file.fileno(), account, account)
            file.write(f"{text}\n")
    except FileExistsError:
        return []
    return [path]


def give_certificates(directory: Path) -> list[Path]:
    """Each to its container's account; those that are missing."""
    missing = []
    for folder, account in (("console", CONSOLE), ("stores", STORES)):
        for path in (directory / folder / name for name in CERTIFICATES[folder]):
            if path.exists():
                os.chown(path, account, account)
                path.chmod(0o600)
            else:
                missing.append(path)
    return missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address", help="name or address under which hosts reach this machine")
    parser.add_argument("--directory", type=Path, default=Path(__file__).resolve().parent / "secrets")
    given = parser.parse_args()
    for path in make(given.directory, given.address):
        print(f"made {path}")
    for path in give_certificates(given.directory):
        print(f"still missing: {path}")


if __name__ == "__main__":
    main()
