"""What the options of a server's section [log] name. Pure."""

import re
from collections.abc import Mapping

OUTPUT_OPTIONS = ("all", "standard", "interaction", "trace", "debug")
"""Each is a comma list of outputs."""
STREAMS = ("stdout", "stderr")
NETWORK = "network"
"""Everything else that an output can be is the path of a file."""
SEGMENT = re.compile(r"(\d{8}_\d{6}_\d{6})(?:\.(\d+))?")
"""What follows the name of a log file and a dot in the name of one that was closed and kept: (time, number)."""


def outputs_in(text: str) -> list[str]:
    """The outputs in the value of one option."""
    return [output for part in text.split(",") if (output := part.strip())]


def files(options: Mapping[str, str]) -> list[str]:
    """The paths that the ``options`` {key: value} of the section name, as they stand there, each once."""
    by_key = {key.casefold(): value for key, value in options.items()}
    named = [output for key in OUTPUT_OPTIONS for output in outputs_in(by_key.get(key, ""))]
    return [each for each in dict.fromkeys(named) if each not in (*STREAMS, NETWORK)]
