"""The rules of applications, pure: a draft and facts in, refusals out."""

from dataclasses import replace

import pytest

from protocol.client_logins import hashed
from provisioning.applications.rules.fields import normal_directory
from provisioning.drafts import ConnectionDraft, PortDraft
from provisioning.errors import Link
from provisioning.models.applications import MASK
from tests.provisioning.applications.drafts import (
    BACKUP,
    DRAFT,
    FACTS,
    HOST,
    PAIRED,
    STORED,
    SYNC,
    TEMPLATE,
    fields_of,
    only,
    pair_facts,
    refusals,
)


def test_a_plain_draft_is_accepted():
    assert refusals() == []


@pytest.mark.parametrize("name", ["-V", "-check", "-port=9", "--help", "-", "", "   ", " MS", "MS ", "M\nS", "x" * 256,
                                  'M"S', "M\\S", "M\x7fS", "M\u200bS", "M\u202eS", "M\u00a0S", "M\ud800S", "\ufeffMS"])
def test_name_that_cannot_be_used_is_refused(name):
    assert set(fields_of(refusals(name=name))) == {"name"}


@pytest.mark.parametrize("sign", "/?*%$&;|<>'`~#!:@=+,()[]{}^é漢")
def test_name_with_any_other_sign_is_accepted(sign):
    assert refusals(name=f"MS {sign} 1") == []


def test_name_of_255_characters_is_accepted():
    assert refusals(name="x" * 255) == []


def test_name_of_another_application_is_refused_and_linked():
    link = Link("application", "3", "MS_Primary")
    assert only(refusals(facts=replace(FACTS, same_name=link))).links == (link,)


def test_template_is_required():
    assert fields_of(refusals(template_id=None, facts=replace(FACTS, template=None))) == ["template_id"]


def test_template_is_fixed_after_creation():
    facts = replace(FACTS, stored=replace(STORED, template_id=2))
    assert fields_of(refusals(facts=facts)) == ["template_id"]


def test_disabled_template_starts_no_application():
    facts = replace(FACTS, template=replace(TEMPLATE, enabled=False))
    assert fields_of(refusals(facts=facts)) == ["template_id"]


def test_server_needs_working_directory_and_command_line():
    assert fields_of(refusals(working_directory="", command_line="")) == ["working_directory", "command_line"]


def test_what_is_no_server_needs_neither():
    facts = replace(FACTS, template=replace(TEMPLATE, type="GenericClient"))
    assert refusals(working_directory="", command_line="", facts=facts) == []


@pytest.mark.parametrize("path", ["data", "./x", "/srv/../x", "/srv/./x", "/srv/~/x", "/srv/x ", "/srv/\tx"])
def test_working_directory_that_is_not_one_plain_absolute_path_is_refused(path):
    assert fields_of(refusals(working_directory=path)) == ["working_directory"]


def test_windows_directories_hold_what_windows_allows():
    windows = replace(FACTS, host=replace(HOST, os_type="Windows2012"))
    assert fields_of(refusals(working_directory="C:\\gcti\\m?s", facts=windows)) == ["working_directory"]
    assert refusals(working_directory="/srv/m?s") == []


def test_windows_directories_are_absolute_on_windows_hosts_only():
    windows = replace(FACTS, host=replace(HOST, os_type="Windows2012"))
    assert refusals(working_directory="C:\\gcti\\ms", facts=windows) == []
    assert fields_of(refusals(working_directory="C:\\gcti\\ms")) == ["working_directory"]


@pytest.mark.parametrize(("field", "value"), [
    ("startup_timeout", 0), ("startup_timeout", 86_401), ("shutdown_timeout", 0), ("reconnect_timeout", -1),
    ("reconnect_attempts", 1_000_001), ("startup_timeout", "90"), ("startup_timeout", True),
    ("redundancy_type", "lukewarm"), ("log_on_as", "x" * 65), ("tenants", "a\x00b"),
    ("command_line_arguments", "x" * 2049), ("description", "two\nlines"),
])
def test_value_out_of_range_is_refused_at_its_field(field, value):
    assert fields_of(refusals(**{field: value})) == [field]


# --- ports


def ports(*rows):
    return tuple(PortDraft(**row) if isinstance(row, dict) else row for row in rows)


@pytest.mark.parametrize(("row", "field"), [
    ({"port_id": "", "port": 7001}, "port_id"), ({"port_id": "a b", "port": 7001}, "port_id"),
    ({"port_id": "x" * 65, "port": 7001}, "port_id"), ({"port_id": "a", "port": 0}, "port"),
    ({"port_id": "a", "port": 65_536}, "port"), ({"port_id": "a", "port": "7001"}, "port"),
    ({"port_id": "a", "port": 7001, "protocol": "http"}, "protocol"),
    ({"port_id": "a", "port": 7001, "listening_mode": "open"}, "listening_mode"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "tls = 1"}, "transport_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "tls"}, "transport_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "a=1;a=2"}, "transport_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "a=1; b=2"}, "transport_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "tls=1"}, "transport_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "tls=0", "listening_mode": "secured"},
     "transport_parameters"),
    ({"port_id": "a", "port": 7001, "application_parameters": ";"}, "application_parameters"),
    ({"port_id": "a", "port": 7001, "application_parameters": "db-password=open"}, "application_parameters"),
    ({"port_id": "a", "port": 7001, "transport_parameters": "certificate-key=-----BEGIN PRIVATE KEY-----MIIB"},
     "transport_parameters"),
    ({"port_id": "a", "port": 7001, "description": "x" * 256}, "description"),
])
def test_port_row_that_is_wrong_is_refused_at_its_cell(row, field):
    assert set(fields_of(refusals(ports=ports(row)))) == {f"ports.0.{field}"}


def test_good_port_rows_are_accepted():
    rows = ports({"port_id": "default", "port": 7001, "protocol": "stomp"},
                 {"port_id": "sync", "port": 7002, "protocol": "sync", "ha_sync": True},
                 {"port_id": "tls", "port": 7003, "listening_mode": "secured",
                  "transport_parameters": "tls=1;certificate=/etc/pki/ms.pem"},
                 {"port_id": "browsers", "port": 7004, "protocol": "stomp-ws"})
    assert refusals(ports=rows) == []


def test_port_ids_and_numbers_are_unique_within_an_application():
    rows = ports({"port_id": "a", "port": 7001}, {"port_id": "A", "port": 7001})
    assert fields_of(refusals(ports=rows)) == ["ports.1.port_id", "ports.1.port"]


def test_one_port_at_most_is_flagged_ha_sync():
    rows = ports({"port_id": "a", "port": 7001, "ha_sync": True}, {"port_id": "b", "port": 7002, "ha_sync": True})
    assert fields_of(refusals(ports=rows)) == ["ports.1.ha_sync"]


def test_port_of_a_neighbour_is_refused_and_names_it():
    refusal = only(refusals(ports=ports({"port_id": "a", "port": 7102}), facts=replace(FACTS, neighbours=(BACKUP,))))
    assert refusal.field == "ports.0.port"
    assert refusal.message == ('Port 7102 is used on host alpha by MS_Backup (port ID "sync"). '
                               "Choose another number.")
    assert refusal.links == (BACKUP.link,)


@pytest.mark.parametrize("number", [4999, 8000])
def test_ports_of_the_agent_and_of_the_console_are_refused(number):
    assert fields_of(refusals(ports=ports({"port_id": "a", "port": number}))) == ["ports.0.port"]


@pytest.mark.parametrize("path", ["/srv/backup", "/srv//backup/", "/srv/backup/inner", "/srv", "/"])
def test_directory_shared_with_a_neighbour_is_refused(path):
    found = refusals(working_directory=path, facts=replace(FACTS, neighbours=(BACKUP,)))
    assert only(found).links == (BACKUP.link,)
    assert "MS_Backup" in found[0].message


def test_directory_beside_a_neighbours_is_accepted():
    assert refusals(working_directory="/srv/backup2", facts=replace(FACTS, neighbours=(BACKUP,))) == []


def test_placeholder_directories_do_not_clash():
    waiting = replace(BACKUP, working_directory=".")
    assert refusals(working_directory=".", facts=replace(FACTS, neighbours=(waiting,))) == []


@pytest.mark.parametrize(("path", "os_type", "expected"), [
    ("/a//b/", "Linux", "/a/b"), ("//a", "Linux", "/a"), (".", "Linux", ""), ("", "Linux", ""),
    ("C:\\GCTI\\Ms", "Windows2012", "c:/gcti/ms"), ("/A", "Linux", "/A"),
])
def test_directories_have_one_spelling(path, os_type, expected):
    assert normal_directory(path, os_type) == expected


# --- moments


@pytest.mark.parametrize("status", ["Started", "Initializing", "Unknown", "Stop Pending", "Service Unavailable"])
@pytest.mark.parametrize(("change", "field"), [
    ({"name": "MS_New"}, "name"), ({"host_id": 6}, "host_id"),
    ({"backup_server_id": 9, "redundancy_type": "warm standby", "ports": SYNC}, "backup_server_id"),
])
def test_name_host_and_backup_change_only_while_stopped(status, change, field):
    found = refusals(facts=pair_facts(stored=replace(STORED, status=status)), **change)
    assert fields_of(found) == [field]
    assert status in found[0].message


@pytest.mark.parametrize("status", ["Stopped", "Gave Up"])
def test_they_change_while_stopped(status):
    facts = pair_facts(stored=replace(STORED, status=status))
    assert refusals(PAIRED, facts, name="MS_New", host_id=6) == []


def test_backup_changes_only_while_the_other_member_is_stopped_too():
    running = replace(BACKUP, status="Started")
    assert only(refusals(PAIRED, pair_facts(running))).links == (running.link,)
    stored = replace(STORED, backup_server_id=9, redundancy_type="warm standby")
    assert only(refusals(DRAFT, pair_facts(running, stored))).links == (running.link,)


def test_name_does_not_change_under_a_job():
    job = Link("job", "1", "Install MS_Primary")
    found = refusals(facts=replace(FACTS, stored=replace(STORED, active_job=job)), name="MS_New")
    assert only(found).links == (job,)


def test_host_of_a_backup_is_fixed():
    stored = replace(STORED, primary=replace(BACKUP, id=3))
    assert fields_of(refusals(facts=replace(FACTS, stored=stored), host_id=6, ports=SYNC)) == ["host_id"]


def test_other_fields_change_while_it_runs():
    facts = replace(FACTS, stored=replace(STORED, status="Started"))
    assert refusals(facts=facts, startup_timeout=30, auto_restart=True, options={"log": {"verbose": "all"}}) == []


# --- options and connections


@pytest.mark.parametrize(("table", "field"), [
    ({"": {"a": "1"}}, "options."), ({"a]": {"a": "1"}}, "options.a]"), ({" a": {"a": "1"}}, "options. a"),
    ({"a": {"": "1"}}, "options.a."), ({"a": {"x=y": "1"}}, "options.a.x=y"), ({"a": {";x": "1"}}, "options.a.;x"),
    ({"a": {"x": "1\n2"}}, "options.a.x"), ({"a": {"x": "1" * 8193}}, "options.a.x"), ({"a": {"x": 1}}, "options.a.x"),
    ({"a": {"x": "1", "X": "2"}}, "options.a.X"), ({"a": {"x": "1"}, "A": {"x": "2"}}, "options.A"),
    ({"a": {str(n): "" for n in range(2001)}}, "options"),
])
def test_option_that_cannot_be_kept_is_refused(table, field):
    assert fields_of(refusals(options=table)) == [field]


def test_mask_needs_a_stored_secret():
    table = {"clients": {"bench": MASK}}
    assert fields_of(refusals(options=table)) == ["options.clients.bench"]
    stored = replace(STORED, secrets=frozenset({(False, "clients", "bench")}))
    assert refusals(options=table, facts=replace(FACTS, stored=stored)) == []
    assert fields_of(refusals(annex=table, facts=replace(FACTS, stored=stored))) == ["annex.clients.bench"]


@pytest.mark.parametrize(("clients", "rights", "fields"), [
    ({"ann": "any", "bob": hashed("any"), "eve": ""}, {"ann": "read=/topic/a*; write=", "eve": "read=/*"}, []),
    ({"pairwise.console": "any"}, {}, ["options.clients.pairwise.console"]),
    ({"Pairwise.x": MASK}, {}, ["options.clients.Pairwise.x"]),
    ({"ann": "{sha256}any"}, {}, ["options.clients.ann"]),
    ({"ann": "any"}, {"ann": "all"}, ["options.client-rights.ann"]),
    ({"ann": "any"}, {"Ann": "read="}, ["options.client-rights.Ann"])])
def test_logins_and_rights_that_a_server_could_not_use_are_refused(clients, rights, fields):
    stored = replace(FACTS, stored=replace(STORED, secrets=frozenset((False, "clients", login) for login in clients)))
    found = refusals(options={"clients": clients, "client-rights": rights}, facts=stored)
    assert fields_of(found) == fields
    assert not any("any" in refusal.message for refusal in found)


def test_a_login_has_its_rights_once():
    twice = {"client-rights": {"ann": "read="}, "client_rights": {"ann": "read="}}
    assert "twice" in only(refusals(options={"clients": {"ann": "any"}, **twice})).message


def test_sections_of_servers_of_another_type_mean_what_they_like():
    facts = replace(FACTS, template=replace(TEMPLATE, type="GenericServer"))
    assert refusals(options={"client-rights": {"ann": "all"}}, facts=facts) == []


@pytest.mark.parametrize(("row", "field"), [
    ({"server_id": 7}, "server_id"), ({"server_id": 8}, "server_id"), ({"server_id": 9, "port_id": "x"}, "port_id"),
    ({"server_id": 9, "protocol": "http"}, "protocol"), ({"server_id": 9, "trace_mode": "all"}, "trace_mode"),
    ({"server_id": 9, "timeout_local": -1}, "timeout_local"),
    ({"server_id": 9, "transport_parameters": "a"}, "transport_parameters"),
])
def test_connection_that_cannot_be_kept_is_refused(row, field):
    assert fields_of(refusals(connections=(ConnectionDraft(**row),), facts=pair_facts())) == [f"connections.0.{field}"]


def test_connection_to_a_client_is_refused():
    facts = pair_facts(replace(BACKUP, type="GenericClient", ports=()))
    assert fields_of(refusals(connections=(ConnectionDraft(server_id=9),), facts=facts)) == ["connections.0.server_id"]


def test_connection_listed_twice_is_refused():
    row = ConnectionDraft(server_id=9)
    assert fields_of(refusals(connections=(row, row), facts=pair_facts())) == ["connections.1.server_id"]


def test_a_port_for_browsers_is_none_of_ha_sync():
    found = only(refusals(ports=(replace(SYNC[0], protocol="stomp-ws"),)))
    assert (found.field, "Clear HA Sync" in found.message) == ("ports.0.protocol", True)


def test_every_refusal_is_a_sentence():
    found = refusals(name=" ", working_directory="x", command_line="", startup_timeout=0, redundancy_type="?",
                     ports=ports({"port_id": "", "port": 0, "protocol": "x"}), options={"": {"": ""}},
                     connections=(ConnectionDraft(server_id=8),), backup_server_id=8)
    assert len(found) >= 10
    messages = [refusal.message for refusal in found]
    assert [m for m in messages if not (m[0].isupper() or m[0] == '"') or m[-1] != "."] == []


def test_a_sync_port_that_nobody_would_use_is_refused():
    lonely = replace(SYNC[0], protocol="sync", ha_sync=False)
    found = only(refusals(ports=(lonely,)))
    assert (found.field, "Select HA Sync, or choose stomp." in found.message) == ("ports.0.protocol", True)
    assert not refusals(ports=(replace(lonely, ha_sync=True),))
