"""The members of pairs as they are read: whole, the same for everybody, in as many queries for one as for many."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from django.db import models
from django.urls import reverse

from provisioning.audit.loader import load
from provisioning.models import Application, HostRuntime, RuntimeStatus
from provisioning.pairs.rules.members import Live, Machine, Member
from provisioning.pairs.selectors.members import facts_of
from provisioning.pairs.selectors.pairs import has_backup
from provisioning.states import Role
from tests.factories import control_answers, make_application, make_pair, make_user

PORTS = [{"id": "default", "port": 7001, "not_after": 1_900_000_000}, "no port"]
pytestmark = pytest.mark.django_db
ONLY_AUDITED = {"uses", "directories"}


def another(column):
    """A value of the column that it never has by itself."""
    if isinstance(column, models.JSONField):
        return PORTS
    if isinstance(column, models.DateTimeField):
        return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    if isinstance(column, models.BooleanField):
        return True
    return 77 if isinstance(column, models.IntegerField | models.FloatField) else "other"


def read(*, in_full=True):
    return facts_of(Application.objects.filter(has_backup()), in_full=in_full)


def test_every_field_of_a_last_word_is_read():
    primary, _ = make_pair()
    columns = {column.name: another(column) for column in RuntimeStatus._meta.concrete_fields
               if column.name not in ("application", "status")}
    RuntimeStatus.objects.filter(application=primary).update(**columns)
    live = read()[0].primary.live
    assert (live.ports, [each.not_after for each in live.certificates]) == ({"default": 7001}, [1_900_000_000])
    others = {each.name for each in fields(Live)} - {"status", "ports", "certificates"}
    assert {name: getattr(live, name) for name in others} == {name: columns[name] for name in others}


def test_every_field_of_a_member_and_of_its_host_is_read():
    primary, _ = make_pair()
    told = {"looks": True, "account": "pairwise", "agent_build": "b1", "comes_back_by": "cron", "clock_offset_s": 1.5,
            "accounts": {"gcti": "ok"}, "disk_free_bytes": 9}
    HostRuntime.objects.update(facts=told, reason="It said so.", agent_version="8.5")
    found = read()[0].primary
    empty = {each.name for kind, of in ((Member, found), (Machine, found.host)) for each in fields(kind)
             if getattr(of, each.name) in (None, "", (), {})}
    assert empty == {"connections", "job"} | ONLY_AUDITED
    assert {name: getattr(found.host, name) for name in told} == told
    assert found.draft == replace(load([primary.pk])[0].primary.draft, options=None, annex=None, connections=None)


def test_a_list_reads_of_a_member_what_a_page_does_but_for_what_takes_long():
    make_pair()
    [brief], [full] = read(in_full=False), read()
    for ours, theirs in zip(brief.members, full.members, strict=True):
        host, live = theirs.host, theirs.live
        assert ours == replace(
            theirs, changed_at=None, draft=replace(theirs.draft, ports=None),
            host=Machine(id=host.id, name=host.name, status=host.status),
            live=replace(live, started_at=None, ports={}, certificates=()),
            word=replace(theirs.word, age_s=ours.word.age_s))


@pytest.mark.parametrize(("in_full", "queries"), [(False, 2), (True, 4)])
def test_many_pairs_are_read_in_as_many_queries_as_one(django_assert_num_queries, in_full, queries):
    for number in range(4):
        make_pair(names=(f"P{number}", f"B{number}"))
        if number in (0, 3):
            with django_assert_num_queries(queries):
                assert len(read(in_full=in_full)) == number + 1


@pytest.mark.parametrize(("change", "status"), [({}, "Unknown"), ({"command_line": "."}, "Stopped"),
                                                ({"working_directory": ""}, "Stopped")])
def test_a_server_that_nobody_heard_of_is_stopped_when_it_cannot_run(change, status):
    make_pair(status=None)
    control_answers()
    Application.objects.update(**change)
    assert {member.status for member in read()[0].members} == {status}


def test_the_audit_finds_a_chain_of_backups_whether_it_looks_at_all_or_at_one():
    primary, backup = make_pair()
    Application.objects.filter(pk=backup.pk).update(backup_server=make_application("MS_Third"))
    for found in (load(), load([primary.pk])):
        [facts] = [each for each in found if each.primary.id == primary.pk]
        assert facts.backup.own_backup.name == "MS_Third"


def test_a_card_says_nothing_of_a_host_while_control_is_silent(client):
    primary, _ = make_pair()
    client.force_login(make_user("sue", roles=(Role.SUPPORT,)))
    cards = reverse("pair-part", args=[primary.pk, "cards"])
    assert "Unknown" not in client.get(cards).text
    control_answers(ago_s=60)
    # Of each member its status and that of its host.
    assert client.get(cards).text.count(">Unknown<") == 4
