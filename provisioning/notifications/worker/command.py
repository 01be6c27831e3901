"""Commands: a program of the operator's that gets the message as JSON on its standard input."""

import json
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from contextlib import suppress

from provisioning.notifications.facts import Answer, Message, Recipient

WITHIN_S = 30.0
MOST_READ = 64 * 1024
_STEP_S = 0.1
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""All that it sees: the environment of Pairwise holds secrets."""


def send(recipient: Recipient, message: Message) -> Answer:
    """Exit code 0 is success; what it says is its answer."""
    words = shlex.split(recipient.fields["command"])
    if not words or not os.path.isabs(words[0]):
        return Answer(False, "Command does not begin with a whole path. Write /path/of/the/program and its arguments.")
    with tempfile.TemporaryFile() as given:
        given.write(json.dumps({"id": message.message_id, "subject": message.subject, **message.payload},
                               ensure_ascii=False).encode())
        given.seek(0)
        try:
            process = subprocess.Popen(words, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
                                       env=ENVIRONMENT, start_new_session=True, bufsize=0)
        except (OSError, ValueError) as error:
            return Answer(False, f"{words[0]} cannot be started: {getattr(error, 'strerror', '') or error}. See "
                          "whether it is there and this account may run it.")
    with process:
        try:
            said, ended = _followed(process, time.monotonic() + WITHIN_S)
        finally:
            _end(process)
    if not ended:
        return Answer(False, f"{words[0]} had not ended after {WITHIN_S:.0f} s and was killed. {said}")
    return Answer(process.returncode == 0, said if process.returncode == 0 else
                  f"It ended with exit code {process.returncode}. {said}")


def _followed(process: subprocess.Popen[bytes], deadline: float) -> tuple[str, bool]:
    """The beginning of what it says, and whether it ended in time. What it has left behind is not waited for."""
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(min(_STEP_S, max(0.0, deadline - time.monotonic()))):
                if process.poll() is not None:
                    break
                continue
            part = os.read(process.stdout.fileno(), MOST_READ)
            said += part[:MOST_READ - len(said)]
            if not part:
                break
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    return said.decode(errors="replace"), process.poll() is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started in its session, where it has not ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
