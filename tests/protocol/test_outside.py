"""JSON that somebody else wrote is read by one function, which nothing that is sent breaks."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from messageserver.syncwire import SyncError, read_words
from protocol.lines import WireError, decode
from protocol.outside import WHOLE_MAX, WHOLE_MIN, NotJson, read_json
from provisioning.applications.forms.rows import UNREADABLE, ConnectionForm, PortForm, read_row
from provisioning.jobs.rules.report_messages import NoReport, enclosed, opened
from provisioning.jobs.worker.ping import is_pong
from tests.test_architecture import ALLOWED, ROOT, modules

HOSTILE = {
    "nested arrays": "[" * 8000, "nested objects": '{"a":' * 8000, "closed as well": "[" * 5000 + "]" * 5000,
    "a surrogate": '{"a": "\\ud800"}', "a surrogate as a key": '{"\\udfff": 1}', "in an array": '["\\ud800"]',
    "thousands of digits": "9" * 5000, "below zero": "-" + "9" * 5000, "more than a database takes": str(WHOLE_MAX + 1),
    "less than one takes": str(WHOLE_MIN - 1), "a huge exponent": "1e999", "NaN": "NaN", "Infinity": "-Infinity",
    "nothing": "", "a text": "x", "a byte order mark": "\ufeff{}"}
BYTES = {"no text": b"\xff", "a surrogate in bytes": b'"\xed\xa0\x80"', "UTF-16": '{"a": "\\ud800"}'.encode("utf-16")}
ALL = {name: text.encode() for name, text in HOSTILE.items()} | BYTES

OWN = {
    "protocol/controls.py", "messageserver/paired_store.py", "hostagent/config.py", "hostagent/files.py",
    "hostagent/bundle.py", "hostagent/shim.py", "provisioning/chain.py", "provisioning/support/services/parts.py",
    "provisioning/hosts/selectors/joining.py", "provisioning/management/commands/join_by_ssh.py",
    "provisioning/metrics/selectors.py", "console/up/record.py", "console/up/servers.py",
    "console/up/apart.py", "console/up/forks.py", "console/up/fork_server.py",
    "provisioning/models/notifications.py", "provisioning/core/prepared.py", "console/kept_databases.py",
    "console/relocation/mover.py", "console/relocation/values.py", "console/service/machine.py",
    # Says of a body which of its fields holds what is no text; the models bound its numbers.
    "api/bodies.py",
    # Runs before it has fetched any other module, and asks the console that it has verified.
    "hostagent/join.py",
}
"""What reads with ``json`` itself what this installation wrote."""


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_json_of_ours_is_refused_with_a_reason(name):
    with pytest.raises(NotJson) as refused:
        read_json(ALL[name])
    assert str(refused.value)


@pytest.mark.parametrize("text", ["\ud800", '"\ud800"'])
def test_a_surrogate_in_a_text_is_refused_too(text):
    with pytest.raises(NotJson):
        read_json(text)


@given(some.recursive(some.none() | some.booleans() | some.integers(WHOLE_MIN, WHOLE_MAX) | some.text() |
                      some.floats(allow_nan=False, allow_infinity=False),
                      lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner)))
def test_everything_else_comes_through(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read_json(text) == read_json(text.encode()) == read_json(bytearray(text.encode())) == value


@pytest.mark.parametrize("name", ALL)
def test_every_reader_says_what_it_says_of_rubbish(name):
    body = ALL[name]
    with pytest.raises(WireError):
        decode(body)
    with pytest.raises(SyncError):
        read_words(body, a=str)
    with pytest.raises(NoReport):
        enclosed(body)
    with pytest.raises(NoReport):
        opened("console.record_report", body)
    assert not is_pong(body)
    for form in (PortForm, ConnectionForm):
        row = read_row(body.decode(errors="surrogateescape"), form)
        assert row.errors == [UNREADABLE]
        row.json.encode()


def test_nothing_from_outside_is_read_in_another_way():
    """Whoever reads a file of his own is in ``OWN``."""
    found = {str(path.relative_to(ROOT)) for package in ALLOWED for path in modules(package)
             for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Attribute) and node.attr in ("load", "loads")
             and isinstance(node.value, ast.Name) and node.value.id == "json"}
    assert found - {"protocol/outside.py"} == OWN
