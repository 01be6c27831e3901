"""A command of the console, as a shell has it."""

import io
import json

import pytest

from tests import commands


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(monkeypatch):
    def run(name, *args, stdin="", tty=False):
        source = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        source.isatty = lambda: tty
        monkeypatch.setattr("sys.stdin", source)
        return Result(*commands.run(name, *args))
    return run
