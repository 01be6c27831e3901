"""Exit codes of the MessageServer command; the agent shows them with their sentence."""

from enum import IntEnum


class ExitCode(IntEnum):
    """0 is a clean end; every other code comes with one log line that says what to do."""

    OK = 0
    INTERNAL = 1
    NO_CONFIGURATION_SERVER = 3
    APPLICATION_NOT_FOUND = 4
    ALREADY_RUNNING = 5
    PORT_IN_USE = 6
    STORE = 7
    USAGE = 8
    REFUSED = 9
    CONFIGURATION = 10


class Exit(Exception):
    """Ends the server with ``code``; ``event`` is the event number of the closing log line."""

    def __init__(self, code: ExitCode, event: int, sentence: str):
        super().__init__(sentence)
        self.code, self.event = code, event
