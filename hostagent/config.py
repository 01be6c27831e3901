"""The agent's configuration file (agent.json), read once into one frozen value."""

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from protocol.secret_settings import BROKER_URL, SecretSettingError, read

CONFIG_VARIABLE = "PAIRWISE_AGENT_CONFIG"
"""Environment variable that names agent.json to the host worker."""


class ConfigError(Exception):
    """agent.json cannot be used. The text is a sentence that says what to do."""


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int


@dataclass(frozen=True)
class AgentConfig:
    """``control`` lists the Configuration Servers in the order to try; directories are absolute paths. ``ca_file`` is
    the authority that control is verified by ("" for control without TLS), ``console_ca_file`` the one of the web
    console ("" for those that this machine trusts)."""

    path: Path
    host: str
    secret: str = field(repr=False)
    control: tuple[Endpoint, ...]
    console_url: str
    broker_url: str = field(repr=False)
    lca_port: int
    state_dir: Path
    install_root: Path
    worker: bool
    ca_file: str = ""
    console_ca_file: str = ""

    @property
    def log_dir(self) -> Path:
        return self.state_dir / "logs"

    @property
    def jobs_dir(self) -> Path:
        return self.state_dir / "jobs"

    @property
    def packages_dir(self) -> Path:
        return self.state_dir / "packages"


def load(path: Path, environ: Mapping[str, str]) -> AgentConfig:
    """The configuration in ``path``. Raises ConfigError."""
    path = path.absolute()
    try:
        mode = path.stat().st_mode
        body = json.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"The agent's configuration {path} cannot be read: {error.strerror}. Give it with --config.")\
            from None
    except ValueError as error:
        raise ConfigError(f"The agent's configuration {path} is not JSON: {error}. Enrol this host again.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"Others can read the host's secret in {path}. Run: chmod 600 {path}")
    if not isinstance(body, dict):
        raise ConfigError(f"The agent's configuration {path} is not a JSON object. Enrol this host again.")
    try:
        return _build(path, body, environ)
    except SecretSettingError as error:
        raise ConfigError(str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise ConfigError(f"The agent's configuration {path} is wrong: {what}. Enrol this host again.") from None


def _build(path: Path, body: dict[str, Any], environ: Mapping[str, str]) -> AgentConfig:
    control = tuple(Endpoint(str(each["host"]), _port(each["port"], "control port")) for each in body["control"])
    if not control:
        raise ValueError("control lists no Configuration Server")
    if not body["host"] or not body["secret"]:
        raise ValueError("host and secret must not be empty")
    console = str(body["console_url"]).rstrip("/")
    if urlsplit(console).scheme not in ("http", "https") or not urlsplit(console).hostname:
        raise ValueError("console_url is no http or https address")
    return AgentConfig(
        path=path, host=str(body["host"]), secret=str(body["secret"]), control=control, console_url=console,
        broker_url=read(BROKER_URL, environ) or str(body.get("broker_url", "")),
        lca_port=_port(body.get("lca_port", 4999), "lca_port"),
        state_dir=_directory(body["state_dir"], "state_dir"),
        install_root=_directory(body["install_root"], "install_root"), worker=bool(body.get("worker", True)),
        ca_file=_file(body.get("ca_file", ""), "ca_file"),
        console_ca_file=_file(body.get("console_ca_file", ""), "console_ca_file"),
    )


def _port(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise ValueError(f"{name} is not a port number from 1 to 65535")
    return value


def _directory(value: object, name: str) -> Path:
    directory = Path(str(value))
    if not directory.is_absolute():
        raise ValueError(f"{name} is not an absolute path")
    return directory


def _file(value: object, name: str) -> str:
    if value and not Path(str(value)).is_absolute():
        raise ValueError(f"{name} is not an absolute path")
    return str(value or "")
