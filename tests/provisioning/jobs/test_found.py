"""The host's word about an application: typed, bounded, never trusted."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from protocol.said import storable
from provisioning.jobs.found import BODY_BYTES, Found, FoundFile, FoundProcess, bounded, found_from

AT = datetime(2026, 11, 24, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5), max_leaves=30)
FIELDS = st.sampled_from(["directory", "program", "process", "listeners", "names", "reverse", "runs", "runs_problem",
                          "version", "changed", "disk_free_bytes", "clock_synchronized", "start_files"])


def of(body) -> Found:
    return found_from(body, at=AT, host_id=3)


@given(JSON)
def test_any_word_of_a_host_can_be_stored_and_read(value):
    kept = json.dumps(storable(value))
    assert "\\u0000" not in kept
    json.loads(kept.encode().decode("utf-8", "strict"))
    of(value)


@given(st.dictionaries(FIELDS, JSON | st.dictionaries(st.sampled_from(["present", "path", "pid", "arguments", "80"]),
                                                      JSON), max_size=8))
def test_any_value_of_a_field_leaves_the_others_alone(body):
    body = storable(body)
    found = of({**body, "version": "8.5"})
    assert (found.version, found.at, found.host_id) == ("8.5", AT, 3)
    assert all(isinstance(port, int) for port in found.listeners)
    assert len(json.dumps(bounded(body))) <= BODY_BYTES


def test_what_an_agent_says_is_read():
    found = of({
        "directory": {"present": True, "path": "/srv/a", "owner": "pw", "usable": False, "problem": "pw may not."},
        "program": {"present": False, "problem": "not there"}, "process": {"pid": 7, "account": "pw",
                                                                         "arguments": ["python3", "-app", "A"]},
        "listeners": {"7001": "", "7002": "python3 (pid 9, account x)"}, "names": {"beta": ["10.0.0.2"]},
        "reverse": {"10.0.0.2": "beta"}, "runs": True, "version": "8.5.100.01", "changed": ["lib/a.py"],
        "disk_free_bytes": 5, "clock_synchronized": False})
    assert found == Found(
        at=AT, host_id=3, process=FoundProcess(pid=7, account="pw", arguments=("python3", "-app", "A")),
        directory=FoundFile(present=True, path="/srv/a", owner="pw", usable=False, problem="pw may not."),
        program=FoundFile(present=False, problem="not there"), listeners={7001: "", 7002: "python3 (pid 9, account x)"},
        names={"beta": ("10.0.0.2",)}, reverse={"10.0.0.2": "beta"}, runs=True, version="8.5.100.01",
        changed=("lib/a.py",), disk_free_bytes=5, clock_synchronized=False)


def test_what_is_of_the_wrong_kind_is_left_out():
    found = of({"directory": [], "program": {"present": "yes"}, "process": {"pid": True}, "runs": 1, "changed": "all",
                "listeners": {"x": "y", "70000": "z", "-1": "z", "²": "z"}, "names": {"beta": "10.0.0.2"},
                "disk_free_bytes": -1, "clock_synchronized": "no", "version": ["8"]})
    assert found == Found(at=AT, host_id=3, names={})


def test_what_is_too_large_to_keep_loses_its_largest_parts():
    body = {"version": "8.5", "start_files": {"files": [{"content": "x" * 20_000}] * 20}}
    assert bounded(storable(body)) == {"version": "8.5"}
    assert bounded({"version": "x" * BODY_BYTES}) == {}
