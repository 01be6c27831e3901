"""The verbs on hosts and application templates."""

from dataclasses import replace

import pytest
from django.utils import timezone

from provisioning.catalog.services import templates
from provisioning.declared import values
from provisioning.drafts import HostDraft
from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.hosts.services import hosts
from provisioning.models import Application, ApplicationTemplate, Event, HistoryEntry, Host
from tests.factories import ADMINISTRATOR, OPERATOR, make_application, make_host, make_job

pytestmark = pytest.mark.django_db

DRAFT = HostDraft(name="alpha", ip_address="192.0.2.10")
APD = b"""[template]
name = Message_Server
type = MessageServer
version = 8.5.100.01
format = 1
[option:log]
verbose = standard
"""


def fields_of(caught):
    return [refusal.field for refusal in caught.value.refusals]


def draft_of(row, **fields):
    return replace(HostDraft(**values(HostDraft, row)), **fields)


def update(row, **fields):
    return hosts.update_host(actor=ADMINISTRATOR, host_id=row.pk, revision=row.revision, draft=draft_of(row, **fields))


def test_host_is_created_with_a_secret_and_history():
    row = hosts.create_host(actor=ADMINISTRATOR, draft=DRAFT)
    assert (row.name, row.lca_port, row.revision, len(row.secret) > 20) == ("alpha", 4999, 1, True)
    assert row.secret not in str(HistoryEntry.objects.get(object_type="host").after)


@pytest.mark.parametrize(("change", "field"), [
    ({"name": ""}, "name"), ({"name": "a b"}, "name"), ({"name": "a-"}, "name"), ({"name": "-a"}, "name"),
    ({"name": "x" * 256}, "name"), ({"ip_address": "300.1.1.1"}, "ip_address"), ({"ip_address": ""}, "ip_address"),
    ({"os_type": "BeOS"}, "os_type"), ({"lca_port": 1999}, "lca_port"), ({"lca_port": 10_000}, "lca_port"),
    ({"os_version": "x" * 65}, "os_version"),
])
def test_host_that_cannot_be_is_refused_at_its_field(change, field):
    with pytest.raises(Refused) as caught:
        hosts.create_host(actor=ADMINISTRATOR, draft=replace(DRAFT, **change))
    assert fields_of(caught) == [field]
    assert not Host.objects.exists()


def test_name_and_address_are_unique_and_the_other_is_linked():
    other = make_host("alpha", ip_address="192.0.2.10")
    with pytest.raises(Refused) as caught:
        hosts.create_host(actor=ADMINISTRATOR, draft=DRAFT)
    assert [(r.field, r.links[0].key) for r in caught.value.refusals] == [
        ("name", str(other.pk)), ("ip_address", str(other.pk))]


def test_lca_port_is_not_a_port_of_an_application_or_of_the_console(settings):
    settings.PAIRWISE_CONTROL_PORT = 2020
    row = make_host("localhost", ip_address="127.0.0.1")
    make_application("MS", host=row, ports={"default": 7001})
    with pytest.raises(Refused, match="Listening Port of MS"):
        update(row, lca_port=7001)
    with pytest.raises(Refused, match="the Configuration Server"):
        update(row, lca_port=2020)


def test_lca_port_does_not_change_under_running_applications():
    row = make_host("alpha")
    make_application("MS", host=row, installed=True, status="Started")
    with pytest.raises(Refused, match="while applications run there"):
        update(row, lca_port=5000)


def test_name_does_not_change_while_applications_are_assigned():
    row = make_host("alpha")
    make_application("MS", host=row)
    with pytest.raises(Refused, match="assigned to alpha"):
        update(row, name="beta")
    Application.objects.all().delete()
    assert update(row, name="beta").name == "beta"


def test_change_is_recorded_and_nothing_changed_is_not():
    row = hosts.create_host(actor=ADMINISTRATOR, draft=DRAFT)
    row = update(row, os_version="12")
    assert (row.revision, update(row).revision) == (2, 2)
    assert HistoryEntry.objects.filter(object_type="host").count() == 2


def test_save_over_another_save_is_a_conflict():
    row = hosts.create_host(actor=ADMINISTRATOR, draft=DRAFT)
    update(row, os_version="12")
    with pytest.raises(Conflict) as caught:
        update(row, os_version="13")
    assert [(d.label, d.theirs, d.yours) for d in caught.value.differences] == [("OS Version", "12", "13")]


def test_what_happened_to_a_server_stays_when_the_host_that_it_left_is_deleted():
    left, application = make_host("alpha"), make_application("MS", host=make_host("beta"))
    Event.objects.create(at=timezone.now(), application=application, host=left, text="It ran there.")
    Event.objects.create(at=timezone.now(), host=left, text="Alpha is away.")
    hosts.delete_host(actor=ADMINISTRATOR, host_id=left.pk)
    assert set(Event.objects.values_list("text", "host", "host_name")) == {
        ("It ran there.", None, "alpha"), ("Alpha is away.", None, "alpha")}


def test_host_with_applications_or_jobs_is_not_deleted():
    row = make_host("alpha")
    application = make_application("MS", host=row)
    with pytest.raises(Refused, match="assigned to it: MS"):
        hosts.delete_host(actor=ADMINISTRATOR, host_id=row.pk)
    make_job(application)
    Application.objects.update(host=None)
    with pytest.raises(Refused, match="while a job works on it"):
        hosts.delete_host(actor=ADMINISTRATOR, host_id=row.pk)
    Application.objects.all().delete()


def test_free_host_is_deleted_with_history():
    row = hosts.create_host(actor=ADMINISTRATOR, draft=DRAFT)
    hosts.delete_host(actor=ADMINISTRATOR, host_id=row.pk)
    assert not Host.objects.exists()
    assert HistoryEntry.objects.first().action == "deleted"
    with pytest.raises(NotFound):
        hosts.delete_host(actor=ADMINISTRATOR, host_id=row.pk)


def test_operators_change_neither_hosts_nor_templates():
    for verb in (lambda: hosts.create_host(actor=OPERATOR, draft=DRAFT),
                 lambda: hosts.update_host(actor=OPERATOR, host_id=1, revision=1, draft=DRAFT),
                 lambda: hosts.delete_host(actor=OPERATOR, host_id=1),
                 lambda: templates.import_template(actor=OPERATOR, file_name="x.apd", content=APD),
                 lambda: templates.delete_template(actor=OPERATOR, template_id=1)):
        with pytest.raises(NotAllowed):
            verb()


def test_checks_while_typing_are_the_same_rules():
    assert [r.field for r in hosts.check_host(draft=replace(DRAFT, lca_port=1), host_id=None)] == ["lca_port"]


# --- templates


def import_template(content=APD, name="Message_Server.apd"):
    return templates.import_template(actor=ADMINISTRATOR, file_name=name, content=content)


def test_template_is_imported_once():
    row = import_template(name="C:\\fakepath\\Message_Server.apd")
    assert (row.name, row.version, row.file_name) == ("Message_Server", "8.5.100.01", "Message_Server.apd")
    assert row.options == {"log": {"verbose": {"value": "standard", "help": ""}}}
    assert import_template() == row
    assert HistoryEntry.objects.count() == 1


def test_other_content_under_the_same_name_is_refused():
    row = import_template()
    with pytest.raises(Refused, match="another content") as caught:
        import_template(APD.replace(b"standard", b"all"))
    assert caught.value.refusals[0].links[0].key == str(row.pk)
    assert f"{ADMINISTRATOR.name} imported it." in str(caught.value)


def test_fault_in_the_file_is_refused_with_its_line():
    with pytest.raises(Refused, match=r"^bad\.apd cannot be imported\. Line 3: ") as caught:
        import_template(APD.replace(b"MessageServer", b"Teapot"), "bad.apd")
    assert fields_of(caught) == ["file"]


def test_template_in_use_is_not_deleted():
    row = import_template()
    make_application("MS", template=row)
    with pytest.raises(Refused, match="based on it: MS"):
        templates.delete_template(actor=ADMINISTRATOR, template_id=row.pk)
    Application.objects.all().delete()
    templates.delete_template(actor=ADMINISTRATOR, template_id=row.pk)
    assert not ApplicationTemplate.objects.exists()
