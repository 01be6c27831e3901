"""What is written to a connection that was closed is lost in silence with asyncio's own loop, and a RuntimeError with
uvloop: a standby ended by it at the moment at which the active server was killed."""

import ast

import pytest

from tests.sources import ROOT

FOLDERS = ("protocol", "messageserver", "control", "hostagent", "client/pairwise_client")
CONNECTIONS = {"_writer", "writer", "_transport", "transport"}
WRITES = {"write", "writelines", "write_eof"}
LOOKED = ("is_closing", "is_open", "lost.done")
"""What a function asks before it writes."""
AFTER_A_LOOK = {"messageserver/output.py: _write"}
"""Those that call it have looked."""


def writes(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr in WRITES
               and getattr(node.value, "attr", getattr(node.value, "id", "")) in CONNECTIONS
               for node in ast.walk(function))


@pytest.mark.parametrize("folder", FOLDERS)
def test_nobody_writes_without_a_look_whether_it_is_closed(folder):
    found = set()
    for path in sorted((ROOT / folder).rglob("*.py")):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and writes(node):
                text = ast.get_source_segment(source, node) or ""
                if not any(map(text.count, LOOKED)):
                    found.add(f"{path.relative_to(ROOT)}: {node.name}")
    assert found - AFTER_A_LOOK == set()


def test_such_a_write_is_found():
    assert writes(ast.parse("def send(self, data):\n    self._writer.write(data)"))
    assert not writes(ast.parse("def keep(self, data):\n    self._file.write(data)"))
