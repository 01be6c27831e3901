"""The servers of this machine's agent, as its state file names them: how long they may take to stop, who they are."""

import json
import signal
from pathlib import Path

from console.up.processes import send
from protocol.identity import is_alive

AGENT_ENDS_S = 13.0
"""The agent ends its worker within 12 s."""
STOP_S_DEFAULT = 90.0


def _state(state_dir: Path) -> dict:
    try:
        body = json.loads((state_dir / "agent-state.json").read_text())
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def running(state_dir: Path) -> dict[str, int]:
    """{application: pid} of the servers that the agent started and that still run."""
    records = _state(state_dir).get("records", {})
    return {name: record["pid"] for name, record in records.items()
            if record["pid"] and not record["by_hand"] and is_alive(record["pid"], record["started"])}


def stop_bound_s(state_dir: Path) -> float:
    """How long the agent may take to stop its servers and end: the longest Shutdown Timeout, and some."""
    supervised = _state(state_dir).get("supervised", {})
    timeouts = [supervised.get(name, {}).get("shutdown_timeout") or STOP_S_DEFAULT for name in running(state_dir)]
    return max(timeouts, default=0) + AGENT_ENDS_S


def kill(state_dir: Path) -> None:
    """End the running servers at once; their agent sees it and ends."""
    for pid in running(state_dir).values():
        send(pid, signal.SIGKILL)
