"""What `up` prints, where nobody can take it."""

import contextlib
import os

import pytest

from console.up.main import say


@pytest.fixture
def printing_to(monkeypatch):
    """``printing_to(descriptor)`` makes it the standard output; gives what that is in the end."""
    with contextlib.ExitStack() as stack:
        def use(descriptor: int):
            stream = open(descriptor, "w")  # noqa: SIM115 - closed below, where a full disk may complain
            stack.enter_context(contextlib.suppress(OSError))
            stack.callback(stream.close)
            monkeypatch.setattr("sys.stdout", stream)
            return lambda: os.readlink(f"/proc/self/fd/{descriptor}")

        yield use
        monkeypatch.undo()


def test_a_full_disk_loses_no_output_for_ever(printing_to):
    goes_to = printing_to(os.open("/dev/full", os.O_WRONLY))
    say("one")
    say("two")
    assert goes_to() == "/dev/full"


def test_a_terminal_that_is_gone_ends_nothing(printing_to):
    read_end, write_end = os.pipe()
    goes_to = printing_to(write_end)
    os.close(read_end)
    say("one")
    say("two")
    assert goes_to() == "/dev/null"
