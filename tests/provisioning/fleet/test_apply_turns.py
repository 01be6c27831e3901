"""`apply` plans without a write and writes in turns: what it plans is what comes of it, and what stops it is told."""

import sqlite3
import sys
from pathlib import Path

import pytest
import yaml
from django.db import OperationalError, transaction

from provisioning import turns
from provisioning.applications.selectors.applications import application_draft
from provisioning.declared import values
from provisioning.drafts import HostDraft
from provisioning.errors import Conflict, Refused
from provisioning.fleet.services import apply, apply_objects, directories, planned, world
from provisioning.fleet.services.apply_objects import _named
from provisioning.fleet.services.manifest import read_manifest
from provisioning.management.commands import apply as command
from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host, InstallationPackage
from tests.commands import run
from tests.factories import ADMINISTRATOR, make_application, make_host, make_template
from tests.provisioning.catalog.test_hosts_and_templates import APD
from tests.provisioning.catalog.test_packages import archive
from tests.transactions import slow_turns, watched

MANY = 60
AN_APPLICATION = 10
"""So many rows one has at most: itself, ports, options, history, what an audit is told."""


def server(name, port, host="alpha", **fields):
    return {"name": name, "template": "Message_Server", "host": host, "working_directory": ".", "command_line": ".",
            "ports": [{"id": "default", "port": port}, {"id": "sync", "port": port + 1, "ha_sync": True}], **fields}


def pair(number, port, **fields):
    return [server(f"MS{number}_A", port, backup=f"MS{number}_B", redundancy_type="warm standby", **fields),
            server(f"MS{number}_B", port + 2)]


def host(name="alpha", number=1, **fields):
    return {"name": name, "ip_address": f"192.0.2.{number}", **fields}


MANY_PAIRS = {"hosts": [host()], "applications": [row for n in range(MANY // 2) for row in pair(n, 7000 + 10 * n)]}


@pytest.fixture(autouse=True)
def there(db, no_control):
    return make_template()


@pytest.fixture
def file(tmp_path):
    def file(body):
        path = tmp_path / "site.yaml"
        path.write_text(yaml.safe_dump(body))
        return str(path)
    return file


def planner_of(body, directory=Path(".")):
    return planned.Planner(read_manifest(yaml.safe_dump(body).encode()), directory)


# --- the plan


def test_a_plan_writes_nothing_and_begins_no_transaction(file, tmp_path, settings):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
    (tmp_path / "new.apd").write_bytes(APD.replace(b"Message_Server", b"New_Server"))
    (tmp_path / "ip.tar.gz").write_bytes(archive())
    path = file(MANY_PAIRS | {"templates": ["new.apd"], "packages": ["ip.tar.gz"]})
    with watched() as seen:
        code, out, _ = run("apply", path)
    assert (code, "+ create application MS29_B" in out, seen.found) == (2, True, [])
    assert not settings.PAIRWISE_PACKAGES_DIR.exists()


def steps_of(body):
    """How many lines of what finds neighbours Python runs while ``body`` is planned; a turn of a loop is one."""
    manifest, count = read_manifest(yaml.safe_dump(body).encode()), 0

    def line(frame, event, _):
        nonlocal count
        count += event == "line"
        return line

    former = sys.gettrace()
    sys.settrace(lambda frame, event, _: line if frame.f_code.co_filename in (world.__file__, directories.__file__)
                 else None)
    try:
        planned.Planner(manifest, Path(".")).run()
    finally:
        sys.settrace(former)
    return count


@pytest.mark.parametrize("made", [
    lambda count: {"hosts": [host(f"host{n}", n) for n in range(1, count + 1)]},
    lambda count: {"hosts": [host()], "applications": [
        server(f"MS{n}", 7000 + 2 * n, working_directory=f"/srv/of/ms{n}") for n in range(count)]},
], ids=["hosts", "servers of one host"])
def test_what_a_plan_costs_grows_with_its_file_and_no_faster(made):
    few, many = steps_of(made(50)), steps_of(made(200))
    assert 0 < many < 6 * few


def test_a_plan_of_many_asks_the_database_no_more_than_one_of_few(django_assert_max_num_queries):
    apply_all(MANY_PAIRS)
    for many in (2, MANY):
        body = MANY_PAIRS | {"applications": [row | {"description": "x"} for row in MANY_PAIRS["applications"][:many]]}
        with django_assert_max_num_queries(20):
            assert len(planner_of(body).run().steps) == many


def apply_all(body):
    plan = planner_of(body).run()
    apply.apply(actor=ADMINISTRATOR, planned=plan)
    return plan


STORED = {"hosts": [host(), host("beta", 2)], "applications": [
    *pair(1, 7100), *pair(2, 7200, tenants="East", connections=[{"server": "MS1_A"}]), server("Free", 7300, "beta")]}
FILES = {
    "nothing": {},
    "the same again": STORED,
    "new ones that take what their template proposes": {"applications": [
        {"name": "X", "template": "Message_Server", "host": "alpha"},
        {"name": "Y", "template": "Message_Server", "host": "alpha"},
        {"name": "Z", "template": "Message_Server", "host": "gamma"}], "hosts": [host("gamma", 3)]},
    "a circle of connections": {"applications": [
        server("X", 7400, connections=[{"server": "Y"}]), server("Y", 7410, connections=[{"server": "X"}])]},
    "a backup that comes before its primary, and connects to it": {"applications": [
        server("Y", 7410), server("X", 7400, backup="Y", redundancy_type="warm standby", tenants="West",
                                  connections=[{"server": "Z"}]),
        server("Z", 7420, connections=[{"server": "X"}])]},
    "a backup that follows what changes at its primary": {"applications": [
        {"name": "MS2_A", "tenants": "West", "connections": [{"server": "Free"}]}]},
    "another backup": {"applications": [
        {"name": "MS1_A", "backup": "Free"}, {"name": "MS2_A", "connections": [{"server": "MS1_B"}]}]},
    "no backup, no host, fewer options": {"applications": [
        {"name": "MS1_A", "backup": None, "redundancy_type": "not specified", "options": {"log": None}},
        {"name": "Free", "description": "free", "annex": {"a": {"b": "c"}}}]},
    "a port that somebody gives up first": {"applications": [
        {"name": "MS1_A", "ports": [{"id": "default", "port": 7900}, {"id": "sync", "port": 7101, "ha_sync": True}]},
        server("X", 7100 - 50) | {"ports": [{"id": "default", "port": 7100}]}]},
    "one moves to another host, a new one takes its ports": {"applications": [
        {"name": "MS2_A", "host": "beta"}, server("X", 7200)]},
    "a former backup goes its own way": {"applications": [
        {"name": "MS1_A", "backup": None, "redundancy_type": "not specified"}, {"name": "MS1_B", "tenants": "Own"}]},
    "secrets, kept and new": {"applications": [
        {"name": "MS1_A", "options": {"clients": {"bench": "other", "new": "one"}}},
        {"name": "MS2_A", "options": {"clients": {"bench": "••••••"}}}]},
    "a host moves, another one takes its address": {"hosts": [host(number=9), host("gamma", 1, os_version="9")]},
}


def planned_drafts(planner, keys):
    """{name: (draft, secrets in the clear, revision)} as the plan has them, with the keys of what was created."""
    rows = [planner.world.application_named(row.name) for row in Application.objects.all()]
    return {row.name: (_named(application_draft(row, masked=False), keys), row.revision) for row in rows if row}


@pytest.mark.parametrize("name", FILES)
def test_what_is_planned_is_what_comes_of_it(monkeypatch, name):
    with_secrets = STORED | {"applications": [row | {"options": {"clients": {"bench": "secret"}}} if "_A" in row["name"]
                                              else row for row in STORED["applications"]]}
    apply_all(with_secrets)
    keys = {}
    monkeypatch.setattr(apply, "Keys", lambda: keys)
    planner = planner_of(FILES[name])
    plan = planner.run()
    apply.apply(actor=ADMINISTRATOR, planned=plan)
    expected = planned_drafts(planner, keys)
    found = {row.name: (application_draft(row, masked=False), row.revision) for row in Application.objects.all()
             if row.name in expected}
    assert found == expected
    assert {spec["name"] for spec in FILES[name].get("applications", ())} <= found.keys()
    for row in Host.objects.all():
        of_plan = planner.world.host(planner.world.host_key(row.name))
        assert values(HostDraft, row) == values(HostDraft, of_plan)
    assert planner_of(FILES[name]).run().is_empty


def test_what_a_template_says_anew_is_a_change_and_counts_for_what_comes_after_it(file, tmp_path):
    ApplicationTemplate.objects.all().delete()
    path = tmp_path / "a.apd"
    path.write_bytes(APD)
    assert run("apply", file({"templates": ["a.apd"]}), "--yes")[0] == 0
    path.write_bytes(APD.replace(b"verbose =", b"; Valid Values: standard, none\nverbose ="))
    body = {"templates": ["a.apd"], "hosts": [host()]}
    wrong = body | {"applications": [server("X", 7000, options={"log": {"verbose": "loud"}})]}
    code, _, err = run("apply", file(wrong), "--yes")
    assert (code, err.count("X: "), "none" in err) == (2, 1, True), err
    assert "~ change template Message_Server" in run("apply", file(body), "--yes")[1]
    assert "Nothing to do." in run("apply", file(body))[1]


# --- the writing


def test_many_are_written_in_many_transactions_none_of_which_grows(file, monkeypatch):
    slow_turns(monkeypatch)
    with watched() as seen:
        assert run("apply", file(MANY_PAIRS), "--yes")[0] == 0
    assert Application.objects.count() == MANY
    assert seen.rows <= turns.FIRST * AN_APPLICATION, seen.found
    assert len(seen.found) >= MANY / turns.FIRST
    assert seen.elsewhere == []


@pytest.mark.long
def test_no_transaction_holds_more_than_twenty(file, monkeypatch):
    monkeypatch.setattr(turns, "TURN_S", 1000)
    done = []
    apply.apply(actor=ADMINISTRATOR, planned=planner_of(MANY_PAIRS).run(), tell=lambda *told: done.append(told[0]))
    assert [after - before for before, after in zip([0, *done], done, strict=False)][:4] == [10, 20, 20, 11]


def test_a_package_is_copied_outside_of_a_transaction(file, tmp_path, settings):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
    (tmp_path / "new.apd").write_bytes(APD.replace(b"Message_Server", b"New_Server"))
    (tmp_path / "ip.tar.gz").write_bytes(archive())
    with watched() as seen:
        code, _, err = run("apply", file({"templates": ["new.apd"], "packages": ["ip.tar.gz"], "hosts": [host()]}),
                           "--yes")
    assert (code, seen.elsewhere) == (0, []), err
    assert (InstallationPackage.objects.count(), Host.objects.count()) == (1, 1)


@pytest.mark.long
def test_it_shows_how_far_it_is(file, monkeypatch):
    monkeypatch.setattr(command, "TELL_EVERY_S", 0.0)
    _, out, err = run("apply", file(MANY_PAIRS), "--yes", "--json")
    told = [line for line in err.splitlines() if line.startswith("Applying ")]
    assert told[0] == f"Applying 10 of {MANY + 1} ..."
    assert len(told) > 2
    assert out.startswith("{")


class Stopped:
    """The step of this number goes wrong."""

    def __init__(self, monkeypatch, number, error):
        self.left, self.error, self.step = number, error, apply_objects.carry_out
        monkeypatch.setattr(apply, "carry_out", self)

    def __call__(self, *args):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.step(*args)


@pytest.mark.dear
@pytest.mark.parametrize(("error", "code", "sentence"), [
    (Refused("Somebody took the port."), 2, "Somebody took the port."),
    (KeyboardInterrupt(), 130, "Applying"),
    (OperationalError("locked"), 3, "Another program holds the Configuration Database. Try again later.")])
def test_what_stops_it_half_way_is_told_with_what_is_done_and_the_same_file_finishes_it(
        file, monkeypatch, error, code, sentence):
    slow_turns(monkeypatch)
    if isinstance(error, OperationalError):
        error.__cause__ = locked_error()
    with monkeypatch.context() as patched:
        Stopped(patched, 30, error)
        found, _, err = run("apply", file(MANY_PAIRS), "--yes")
    done = Application.objects.count() + Host.objects.count()
    last = HistoryEntry.objects.filter(object_type="application").order_by("-number").first().object_name
    assert 10 <= done < 30
    assert (found, sentence in err.splitlines()[-2]) == (code, True)
    assert f"{done} of {MANY + 1} changes were made, the last one to application {last}; the rest, from" in err
    assert HistoryEntry.objects.count() == done
    assert run("apply", file(MANY_PAIRS), "--yes")[0] == 0
    assert (Application.objects.count(), "Nothing to do." in run("apply", file(MANY_PAIRS))[1]) == (MANY, True)


@pytest.mark.django_db(transaction=True)
def test_who_ends_it_right_after_a_commit_is_told_of_what_that_has_written(file, monkeypatch):
    carry_out = apply.carry_out

    def ended_after_its_commit(actor, step, keys):
        carry_out(actor, step, keys)
        if Application.objects.count() == 5:
            transaction.on_commit(interrupted)

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(apply, "carry_out", ended_after_its_commit)
    code, _, err = run("apply", file(MANY_PAIRS), "--yes")
    assert code == 130
    assert f"{Application.objects.count() + Host.objects.count()} of {MANY + 1} changes were made" in err


def locked_error():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_what_stops_it_at_the_first_one_says_nothing_of_a_half(file, monkeypatch):
    Stopped(monkeypatch, 1, Refused("Somebody took the port."))
    assert run("apply", file(MANY_PAIRS), "--yes")[2] == "Somebody took the port.\n"
    assert not Host.objects.exists()


def test_a_refusal_that_the_plan_sees_changes_nothing_at_all(file):
    body = {"hosts": [host(), host("beta", 1)], "applications": [*MANY_PAIRS["applications"], server("X", 7000)]}
    code, _, err = run("apply", file(body), "--yes")
    assert code == 2
    assert err.splitlines() == [
        "beta: Host alpha has the address 192.0.2.1 already.",
        'X: Port 7000 is used on host alpha by MS0_A (port ID "default"). Choose another number.',
        'X: Port 7001 is used on host alpha by MS0_A (port ID "sync"). Choose another number.']
    assert not Host.objects.exists()
    assert not HistoryEntry.objects.exists()


def test_what_somebody_else_saved_after_the_plan_is_not_overwritten(file):
    alpha = make_host("alpha")
    make_application("A", host=alpha, description="old")
    body = {"applications": [{"name": "A", "description": "new"}]}
    plan = planner_of(body).run()
    assert run("apply", file({"applications": [{"name": "A", "description": "theirs"}]}), "--yes")[0] == 0
    with pytest.raises(Conflict, match="saved A while you were editing it"):
        apply.apply(actor=ADMINISTRATOR, planned=plan)
    assert Application.objects.get().description == "theirs"
