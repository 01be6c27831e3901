"""A field of an object is declared once, in drafts.py, and is seen everywhere by that alone."""


import pytest

from provisioning.applications.forms.applications import ApplicationForm
from provisioning.applications.forms.rows import ConnectionForm, PortForm
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.selectors.export import export_document
from provisioning.applications.services.comparison import changed_fields, differences
from provisioning.applications.services.versions import application_version
from provisioning.audit import configured
from provisioning.declared import AGENT, SERVER, Kind, at_start, columns, compared, facts, labels, sent
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PackageDraft, PortDraft, TemplateDraft
from provisioning.fleet.services.manifest import APPLICATION_KEYS, CONNECTION_KEYS, HOST_KEYS, PORT_KEYS
from provisioning.history.entries import field_changes
from provisioning.history.history import snapshot
from provisioning.hosts.forms.hosts import HostForm
from provisioning.hosts.services.versions import host_version
from provisioning.models import Application, ApplicationTemplate, Connection, Host, InstallationPackage, ListeningPort
from provisioning.pairs.selectors.members import facts_of
from tests.factories import make_application, make_host, make_template
from tests.sources import ROOT

STORED = {ApplicationDraft: Application, PortDraft: ListeningPort, ConnectionDraft: Connection, HostDraft: Host,
          PackageDraft: InstallationPackage, TemplateDraft: ApplicationTemplate}
TYPED = {ApplicationDraft: ApplicationForm, PortDraft: PortForm, ConnectionDraft: ConnectionForm, HostDraft: HostForm}
KEYS = {ApplicationDraft: APPLICATION_KEYS, PortDraft: PORT_KEYS, ConnectionDraft: CONNECTION_KEYS,
        HostDraft: HOST_KEYS}
OTHER = {Kind.TEXT: "another", Kind.NUMBER: 2077}


def another(row, draft, name):
    """A value that ``row`` does not have there."""
    kind = facts(draft)[name].kind
    if kind == Kind.FLAG:
        return not getattr(row, name)
    makers = {"template_id": lambda: make_template(name="another"), "host_id": make_host}
    return makers.get(name, make_application)().pk if kind == Kind.LINK else OTHER[kind]


@pytest.mark.parametrize("draft", STORED)
def test_each_is_a_column_of_the_database(draft):
    stored = {field.attname for field in STORED[draft]._meta.concrete_fields}
    assert set(columns(draft)) <= stored


@pytest.mark.parametrize("draft", TYPED)
def test_each_can_be_typed_under_its_label(draft):
    form = TYPED[draft]
    assert set(columns(draft)) <= form.base_fields.keys()
    assert {name: form.base_fields[name].label for name in columns(draft)} == {
        name: labels(draft)[name] for name in columns(draft)}


@pytest.mark.parametrize("draft", KEYS)
def test_each_is_a_key_of_a_configuration_file_that_the_documentation_names(draft):
    page = (ROOT / "docs/configuration-file.md").read_text()
    assert list(KEYS[draft]) == [each.written for each in facts(draft).values()]
    missing = [key for key in KEYS[draft] if f"{key}:" not in page and f"`{key}`" not in page]
    assert missing == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", columns(ApplicationDraft))
def test_a_change_of_an_application_is_seen_everywhere(name):
    row = make_application()
    before, was = application_draft(row), snapshot(row)
    value = another(row, ApplicationDraft, name)
    Application.objects.filter(pk=row.pk).update(**{name: value})
    row = Application.objects.get(pk=row.pk)
    after, label = application_draft(row), labels(ApplicationDraft)[name]
    assert getattr(after, name) == value
    assert changed_fields(before, after) == [name]
    assert [change.label for change in differences(before, after, [name])] == [label]
    assert [change.label for change in field_changes(was, snapshot(row))] == [label]
    assert getattr(application_version(snapshot(row), row).draft, name) == value
    [pair] = facts_of(Application.objects.filter(pk=row.pk), in_full=True)
    assert configured.read([row.pk], whole=False).draft(pair.primary) == after
    [written] = [each for each in export_document()["applications"] if each["name"] == row.name]
    key = facts(ApplicationDraft)[name].written
    shown = getattr(row, name.removesuffix("_id"))
    assert written[key] == (shown.name if name.endswith("_id") else value)


@pytest.mark.django_db
@pytest.mark.parametrize("name", columns(HostDraft))
def test_a_change_of_a_host_is_seen_everywhere(name):
    row = make_host()
    was, value = snapshot(row), another(row, HostDraft, name)
    setattr(row, name, value)
    row.save()
    assert [change.label for change in field_changes(was, snapshot(row))] == [labels(HostDraft)[name]]
    assert getattr(host_version(snapshot(row), row).draft, name) == value
    [written] = export_document()["hosts"]
    assert written[name] == value


def test_what_is_compared_read_at_the_start_or_sent_is_said_with_the_field():
    assert set(compared(ApplicationDraft)) == {
        "tenants", "startup_timeout", "shutdown_timeout", "auto_restart", "reconnect_timeout", "reconnect_attempts"}
    assert set(compared(PortDraft)) == set(columns(PortDraft)) - {"port", "transport_parameters"}
    assert set(at_start(ApplicationDraft)) == {
        "working_directory", "command_line", "command_line_arguments", "log_on_as"}
    assert set(sent(ApplicationDraft, AGENT)) - set(sent(ApplicationDraft, SERVER)) == {
        "command_line", "command_line_arguments", "auto_restart"}
    assert sent(PortDraft, SERVER) == {
        "port_id": "id", "port": "port", "protocol": "protocol", "ha_sync": "ha_sync",
        "listening_mode": "listening_mode", "transport_parameters": "transport_parameters"}
