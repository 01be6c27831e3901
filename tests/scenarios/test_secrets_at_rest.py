"""Where the secrets of a running Pairwise lie after an install: in their own files, which nobody else reads, and
nowhere else, in no encoding: not in logs, Redis, the database, other files, command lines or what commands print."""

import json
import secrets
import stat
from pathlib import Path

import redis

from console.embedded_redis import embedded_redis_url
from tests.planted.traces import traces

from .applications import installed, message_server
from .harness import PASSWORD, Pairwise

HOLDERS = {
    "application": {"application.secret"}, "host": {"agent.json"}, "secret key": {"secret_key"},
    "passcode": set(), "password": set(),
}
"""{secret: names of the files that are there to hold it}."""


def real_secrets(pairwise: Pairwise, directory: Path, passcode: str) -> dict[str, str]:
    data = pairwise.data_dir
    [agent] = data.rglob("agent.json")
    found = {
        "application": (directory / "application.secret").read_text().strip(),
        "host": json.loads(agent.read_text())["secret"], "secret key": (data / "secret_key").read_text().strip(),
        "passcode": passcode, "password": PASSWORD}
    assert all(len(secret) > 8 for secret in found.values())
    return found


def redis_text(pairwise: Pairwise) -> bytes:
    """Everything that Redis holds, as it would travel to another one."""
    client = redis.Redis.from_url(embedded_redis_url(pairwise.data_dir))
    keys = client.keys()
    assert keys
    return b"\n".join(key + b" " + (client.dump(key) or b"") for key in keys)


def command_lines() -> bytes:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return b"\n".join(lines)


def test_secrets_lie_in_their_own_files_and_nowhere_else(pairwise):
    passcode = f"passcode-{secrets.token_urlsafe(12)}"
    options = message_server("Kept")["options"] | {"clients": {"bench": passcode}}
    facts = installed(pairwise, "Kept", options=options)
    pairwise.manage("start", "Kept", "--wait")
    found = real_secrets(pairwise, Path(facts["working_directory"]), passcode)
    texts = {"Redis": redis_text(pairwise), "command lines": command_lines(),
             "output of up": "\n".join(pairwise.output).encode(),
             "export": pairwise.manage("export").stdout.encode(),
             **{str(path): path.read_bytes() for path in pairwise.data_dir.rglob("*") if path.is_file()}}
    assert any(name.endswith("pairwise.sqlite3") for name in texts)
    for what, secret in found.items():
        marks = [trace.encode() for trace in traces(secret)]
        holders = {name for name, text in texts.items() if any(mark in text for mark in marks)}
        assert {Path(name).name for name in holders} == HOLDERS[what], (what, holders)
        for name in holders:
            assert not stat.S_IMODE(Path(name).stat().st_mode) & 0o077, f"others can read {name}"
    pairwise.manage("stop", "Kept", "--wait")
