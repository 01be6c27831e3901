"""What the agent must still know after it was restarted: one small JSON file, written whole before each step."""

import dataclasses
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import read_json
from .kept import KeptFile

log = logging.getLogger(__name__)


@dataclass
class Record:
    """One application. ``desired``: it should run. ``with_agent``: the agent stopped it only because it ended
    itself, so it starts again with the agent. ``stopping``: the arguments of a stop under way. ``last``: fields
    of the final ``supervision.Status``, {} while it runs."""

    desired: bool = False
    with_agent: bool = False
    run_dir: str = ""
    pid: int = 0
    started: int = 0
    by_hand: bool = False
    stopping: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)


@dataclass
class AgentState:
    """``supervised``: the last known fields of each application (``messages.Supervised``) by name;
    ``worker``: pid and start ticks of the host worker, {} for none."""

    file: KeptFile
    records: dict[str, Record] = field(default_factory=dict)
    supervised: dict[str, dict[str, Any]] = field(default_factory=dict)
    worker: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "AgentState":
        body = read_json(path)
        if body is None:
            if path.exists():
                aside = path.with_name(path.name + ".unreadable")
                os.replace(path, aside)
                log.error("The agent's state %s could not be read and was moved to %s; the agent starts without it.",
                          path, aside)
            return cls(KeptFile(path))
        known = {each.name for each in dataclasses.fields(Record)}
        records = {name: Record(**{key: value for key, value in record.items() if key in known})
                   for name, record in body["records"].items()}
        return cls(KeptFile(path), records, body["supervised"], body["worker"])

    def save(self) -> bool:
        """True when it is on the disk; what is not is written as soon as that is possible."""
        body = {"records": {name: dataclasses.asdict(record) for name, record in self.records.items()},
                "supervised": self.supervised, "worker": self.worker}
        return self.file.keep(json.dumps(body, separators=(",", ":")).encode())

    def record(self, name: str) -> Record:
        return self.records.setdefault(name, Record())
