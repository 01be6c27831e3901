"""Whoever judges whether two members are equal sees the same: Synchronize, the audit, and a conflict of two people."""

from dataclasses import fields, replace

import pytest
from django.db import models

from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import comparison
from provisioning.audit.judgement import judge
from provisioning.audit.loader import load
from provisioning.drafts import ConnectionDraft, PortDraft
from provisioning.history.rows import CONNECTION, PORT, connection_lines, port_text
from provisioning.models import Application, Connection, ListeningPort
from provisioning.pairs.rules.synchronization import DIFFERS, EQUAL, SERVER_INFO
from provisioning.pairs.services import synchronize
from tests.factories import SUPPORT, make_application, make_pair, port, set_option

NAMES = {"port_id", "server_id", "server"}
"""What a row is known by among the others."""
COMPARING = {"A13", "A15", "A19", "A20", "A22", "A26", "A27", "A35", "A40"}
"""Rules on what both members are to have alike."""


def own_fields(model):
    """Of a row, but for its key and whose row it is."""
    return [field for field in model._meta.concrete_fields if field.name not in ("id", "application")]


def another(field, value):
    """A value of the field that is not ``value``."""
    if isinstance(field, models.ForeignKey):
        return make_application("Other_Server", ports={"default": 7900})
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.IntegerField):
        return value + 500
    if field.choices:
        return next(choice for choice, _ in field.choices if choice != value)
    return "a=1" if field.name.endswith("_parameters") else "other"


@pytest.fixture
def pair():
    """Equal in everything, with a connection each."""
    primary, backup = make_pair()
    server = make_application("Server", ports={"default": 7800})
    for row in (primary, backup):
        Connection.objects.create(application=row, server=server)
        set_option(row, "log", "verbose", "standard")
    return primary, backup


def rows_of(comparison_):
    return [(row.what, row.state, row.primary, row.backup) for row in comparison_.rows]


def both_see(pair):
    """What Synchronize and the audit find; that they find the same, and that every difference can be read."""
    primary = pair[0]
    plan = synchronize.plan(actor=SUPPORT, application_id=primary.pk)
    [facts] = load([primary.pk])
    assert rows_of(plan.comparison) == rows_of(facts.comparison)
    differing = [row for row in plan.comparison.rows if row.state == DIFFERS]
    assert list(facts.differences) == [row for row in facts.comparison.rows if row.state == DIFFERS]
    # A pair without a server that runs has findings of its own, but for these.
    told = {rule.code for rule, _ in judge(facts).troubles}
    assert bool(differing) == bool(told & COMPARING)
    return plan.comparison


@pytest.mark.django_db
def test_members_that_are_equal_are_equal_to_both(pair):
    assert {row.state for row in both_see(pair).rows if not row.what.endswith(".port")} == {EQUAL}


@pytest.mark.django_db
@pytest.mark.parametrize("field", own_fields(Connection), ids=lambda field: field.name)
def test_a_connection_that_differs_in_one_field_differs_to_everybody(pair, field):
    before = application_draft(pair[1])
    row = pair[1].connections.get()
    setattr(row, field.name, another(field, getattr(row, field.name)))
    row.save()
    [seen] = [row for row in both_see(pair).rows if row.what == "connections"]
    assert (seen.state, seen.primary != seen.backup) == (DIFFERS, True)
    conflict(before, application_draft(Application.objects.get(pk=pair[1].pk)), "connections")


@pytest.mark.django_db
@pytest.mark.parametrize("field", own_fields(ListeningPort), ids=lambda field: field.name)
def test_a_port_that_differs_in_one_field_differs_to_everybody(pair, field):
    before = application_draft(pair[1])
    row = pair[1].ports.get(port_id="default")
    setattr(row, field.name, another(field, getattr(row, field.name)))
    row.save()
    seen = [row for row in both_see(pair).rows if row.state != EQUAL and row.what != "ports.sync.port"]
    assert seen
    assert all(row.primary != row.backup for row in seen)
    if field.name != "port":
        assert DIFFERS in {row.state for row in seen}
    conflict(before, application_draft(Application.objects.get(pk=pair[1].pk)), "ports")


@pytest.mark.django_db
@pytest.mark.parametrize("member", [0, 1])
@pytest.mark.parametrize("port_id", ["extra", "with.dots", "default.port"])
def test_a_port_that_one_member_lacks_differs_to_everybody(pair, member, port_id):
    ListeningPort.objects.create(application=pair[member], port_id=port_id, port=7600)
    assert f"ports.{port_id}" in {row.what for row in both_see(pair).rows if row.state == DIFFERS}


@pytest.mark.django_db
@pytest.mark.parametrize("annex", [False, True])
@pytest.mark.parametrize(("section", "key", "value"), [("log", "other", "x"), ("log", "password", "x"),
                                                       ("other", "verbose", "standard")])
def test_an_option_that_differs_in_section_key_or_value_differs_to_everybody(pair, annex, section, key, value):
    set_option(pair[1], section, key, value, annex=annex)
    assert DIFFERS in {row.state for row in both_see(pair).rows}


@pytest.mark.django_db
@pytest.mark.parametrize("name", SERVER_INFO)
def test_server_info_that_differs_in_one_field_differs_to_everybody(pair, name):
    field = Application._meta.get_field(name)
    if name == "auto_restart":
        # Of a backup it is wanted whatever the primary has.
        Application.objects.filter(pk=pair[1].pk).update(auto_restart=False)
    else:
        Application.objects.filter(pk=pair[1].pk).update(**{name: another(field, getattr(pair[1], name))})
    assert name in {row.what for row in both_see(pair).rows if row.state == DIFFERS}


def conflict(theirs, yours, name):
    """A conflict tells of it, and what it tells can be told apart."""
    assert comparison.changed_fields(theirs, yours) == [name]
    told = comparison.differences(theirs, yours, [name])
    assert told
    assert all(each.theirs != each.yours for each in told)


# --- the texts


@pytest.mark.parametrize(("texts", "draft"), [(PORT, PortDraft), (CONNECTION, ConnectionDraft)])
def test_a_text_says_something_of_every_field(texts, draft):
    assert texts.keys() == {field.name for field in fields(draft)} - NAMES


def test_the_same_value_in_another_field_reads_otherwise():
    row, link = port(), ConnectionDraft(server_id=1)
    words = [name for name in PORT if isinstance(getattr(row, name), str)]
    assert len({port_text(replace(row, **{name: "a=1"})) for name in words}) == len(words)
    fields_ = [name for name in CONNECTION if isinstance(getattr(link, name), str)]
    assert len({connection_lines([replace(link, **{name: "a=1"})], {}) for name in fields_}) == len(fields_)
