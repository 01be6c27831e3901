"""What the rules ask of the two members of a pair, pure: drafts and facts in, refusals out."""

from dataclasses import replace

import pytest

from provisioning.drafts import ConnectionDraft
from provisioning.errors import Link
from tests.provisioning.applications.drafts import (
    BACKUP,
    DRAFT,
    FACTS,
    PAIRED,
    STORED,
    SYNC,
    TEMPLATE,
    fields_of,
    only,
    pair_facts,
    refusals,
)


def test_pair_that_keeps_the_rules_is_accepted():
    assert refusals(PAIRED, pair_facts()) == []


def test_server_is_not_its_own_backup():
    assert fields_of(refusals(PAIRED, pair_facts(), backup_server_id=7)) == ["backup_server_id"]


@pytest.mark.parametrize(("change", "word"), [
    ({"type": "SCS"}, "same type"),
    ({"primary": Link("application", "8", "MS_Other")}, "already the backup of MS_Other"),
    ({"backup_id": 11}, "Backup Server of its own"),
])
def test_backup_that_cannot_be_one_is_refused_and_linked(change, word):
    refusal = only(refusals(PAIRED, pair_facts(replace(BACKUP, **change))))
    assert (refusal.field, word in refusal.message) == ("backup_server_id", True)
    assert BACKUP.link in refusal.links


def test_backup_that_is_already_ours_is_accepted():
    backup = replace(BACKUP, primary=Link("application", "7", "MS_Primary"))
    assert refusals(PAIRED, pair_facts(backup)) == []


def test_backup_that_is_gone_is_refused():
    assert fields_of(refusals(PAIRED, replace(FACTS, stored=STORED))) == ["backup_server_id"]


def test_a_backup_gets_no_backup_of_its_own():
    primary = replace(BACKUP, id=3, name="MS_First")
    refusal = only(refusals(PAIRED, pair_facts(stored=replace(STORED, primary=primary))))
    assert (refusal.field, refusal.links) == ("backup_server_id", (primary.link,))


def test_members_of_a_pair_have_the_same_account():
    assert fields_of(refusals(PAIRED, pair_facts(replace(BACKUP, log_on_as="gcti")))) == ["log_on_as"]
    stored = replace(STORED, primary=replace(BACKUP, log_on_as="gcti"))
    assert fields_of(refusals(DRAFT, replace(FACTS, stored=stored), ports=SYNC)) == ["log_on_as"]


@pytest.mark.parametrize(("backup", "chosen", "accepted"), [
    (9, "warm standby", True), (9, "hot standby", False), (9, "not specified", False),
    (None, "not specified", True), (None, "warm standby", False), (None, "hot standby", False),
])
def test_message_servers_are_warm_standby_exactly_when_they_have_a_backup(backup, chosen, accepted):
    found = refusals(PAIRED, pair_facts(), backup_server_id=backup, redundancy_type=chosen)
    assert fields_of(found) == ([] if accepted else ["redundancy_type"])


def test_other_servers_may_be_hot_standby():
    facts = replace(pair_facts(replace(BACKUP, type="SCS")), template=replace(TEMPLATE, type="SCS"))
    assert refusals(PAIRED, facts, redundancy_type="hot standby") == []


@pytest.mark.parametrize(("own", "theirs", "fields"), [
    (SYNC, True, []), ((), True, ["ports"]), (SYNC, False, ["backup_server_id"]),
    ((), False, ["ports", "backup_server_id"])])
def test_both_members_of_a_pair_need_an_ha_sync_port(own, theirs, fields):
    found = refusals(PAIRED, pair_facts(replace(BACKUP, has_ha_sync=theirs)), ports=own)
    assert fields_of(found) == fields
    assert all(refusal.links == (BACKUP.link,) and "press Add" in refusal.message for refusal in found)
    if not theirs:
        assert found[-1].message.startswith("MS_Backup has no port with HA Sync")


def test_a_backup_keeps_its_ha_sync_port_while_it_is_one():
    stored = replace(STORED, primary=replace(BACKUP, id=3, name="MS_First"))
    refusal = only(refusals(facts=replace(FACTS, stored=stored)))
    assert (refusal.field, "those of MS_First" in refusal.message) == ("ports", True)


def test_servers_of_other_types_need_no_ha_sync_port():
    facts = replace(pair_facts(replace(BACKUP, type="SCS", has_ha_sync=False)), template=replace(TEMPLATE, type="SCS"))
    assert refusals(PAIRED, facts, ports=()) == []


@pytest.mark.parametrize(("tenants", "rows", "fields"), [
    ("Environment", (), []), ("East", (ConnectionDraft(server_id=9),), []), ("West", (), ["tenants"]),
    ("East", (ConnectionDraft(server_id=9, port_id="sync"),), ["connections"])])
def test_a_backup_has_the_tenants_and_connections_of_its_primary_or_those_it_has(tenants, rows, fields):
    primary = replace(BACKUP, id=3, name="MS_First", tenants="East", connections=(ConnectionDraft(server_id=9),))
    facts = replace(pair_facts(), stored=replace(STORED, primary=primary))
    found = refusals(facts=facts, ports=SYNC, tenants=tenants, connections=rows)
    assert fields_of(found) == fields
    assert all("Change them there; MS_Primary follows" in refusal.message for refusal in found)
