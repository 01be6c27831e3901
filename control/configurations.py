"""What servers and agents are told of their own objects, and of where their log records go."""

from typing import Any

from protocol.messages import Supervised
from protocol.server_messages import Configuration

from . import objects
from .live import LiveApplication, LiveHost
from .log_pairs import LogPairs


class Configurations:
    """``log_pairs``: where log records go."""

    def __init__(self) -> None:
        self.log_pairs = LogPairs()

    def configure(self, live: LiveApplication, configuration: dict[str, Any]) -> None:
        """Send the configuration to the connected server unless it has exactly this one."""
        connection, facts = live.connection, live.facts
        configuration = {**configuration, "controls": objects.controls(),
                         "log_to": self.log_pairs.of_server(facts.id, facts.name, facts.host_id)}
        if connection is not None and connection.configuration != configuration:
            connection.configuration = configuration
            connection.peer.post(Configuration(application=configuration))

    def supervise(self, host: LiveHost, supervised: list[dict[str, Any]] | None) -> None:
        """Send its agent the list of its servers."""
        host.post(Supervised(applications=supervised or [], controls=objects.controls(),
                             log_to=self.log_pairs.of_agent(host.facts.id, host.facts.name)))
