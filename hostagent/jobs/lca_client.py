"""The worker's side of the LCA Port: plain blocking sockets, so that a cancel interrupts a wait cleanly."""

import contextlib
import time
from typing import Any

from protocol.lines import RefusedError, StrangerError, WireError
from protocol.messages import Request, Response
from protocol.socket_line import Line, dial

from ..config import AgentConfig
from ..lca import LOOPBACK
from .errors import JobFailed

AGENT_AWAY_S = 15.0
"""How long a restarting agent is waited for."""
RETRY_S = 0.2


class LcaClient:
    """Asks the agent of this host. Every call uses a connection of its own."""

    def __init__(self, config: AgentConfig):
        self._config = config

    def call(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of ``verb``. Raises JobFailed: the agent refused, or could not be reached.

        A restarting agent is waited for. All verbs but start may be asked twice, so an answer that was lost is
        asked for again.
        """
        until = time.monotonic() + AGENT_AWAY_S
        while True:
            asked = False
            try:
                with contextlib.closing(self._open()) as line:
                    asked = True
                    line.send(Request(id=1, verb=verb, arguments=arguments))
                    answer = line.receive()
                break
            except (OSError, WireError) as error:
                if (asked and verb == "start") or time.monotonic() > until:
                    raise JobFailed(
                        f"The agent of this host did not answer on LCA Port {self._config.lca_port}: {error}.",
                        "Start the agent on the host, then run the job again.") from None
                if asked:
                    until = time.monotonic() + AGENT_AWAY_S
                time.sleep(RETRY_S)
        if not isinstance(answer, Response):
            raise JobFailed("The agent gave an answer that is none.", "Update the agent.")
        if not answer.ok:
            raise JobFailed(answer.reason, answer.advice)
        return answer.result

    def _open(self) -> Line:
        config = self._config
        try:
            return dial(LOOPBACK, config.lca_port, kind="worker", name=config.host, secret=config.secret)
        except RefusedError as refused:
            raise JobFailed(str(refused), "Another agent may listen on this port: check LCA Port.") from None
        except StrangerError:
            raise JobFailed("Another program answers on this host's LCA Port.", "Check LCA Port.") from None
