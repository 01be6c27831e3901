"""What `up` has done in a process of its own, and what becomes of `up` when that goes wrong."""

import os
import signal

import pytest

from console.up.apart import apart, aside
from console.up.errors import CannotStart


def refuses():
    raise CannotStart("Not like this.")


def breaks():
    raise ValueError("nobody thought of it")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_it_found_comes_back():
    assert apart(lambda: {"pid": os.getpid()})["pid"] != os.getpid()


@pytest.mark.parametrize(("work", "error"), [(refuses, CannotStart), (breaks, RuntimeError), (killed, RuntimeError)])
def test_a_start_does_not_go_on_without_it(work, error):
    with pytest.raises(error):
        apart(work)


@pytest.mark.parametrize("work", [refuses, breaks, killed])
def test_beside_a_console_that_runs_it_is_a_line_and_no_end_of_everything(work):
    said = []
    assert aside(work, said.append) == {}
    [line] = said
    assert line.startswith("Something that is done beside the console failed: ")


def test_nothing_is_left_of_it_when_the_memory_is_full(monkeypatch):
    before = os.listdir("/proc/self/fd")

    def no_memory():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_memory)
    assert aside(dict, lambda line: None) == {}
    assert os.listdir("/proc/self/fd") == before
