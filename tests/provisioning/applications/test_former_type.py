"""What an earlier version kept as a Database Access Point goes on as a Generic Client, and its files and History can be
read."""

import importlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.catalog.apd import read_template
from provisioning.catalog.package_file import parse_description
from provisioning.catalog.services import templates
from provisioning.catalog.written_apd import write_template
from provisioning.errors import Conflict
from provisioning.history import history
from provisioning.history import restore as restoring
from provisioning.models import AlarmCondition, Application, ApplicationTemplate, HistoryEntry, InstallationPackage
from provisioning.states import FORMER_TYPES, ApplicationType
from tests import factories
from tests.html import flat

ADA = factories.ADMINISTRATOR
pytestmark = pytest.mark.django_db
FORMER, NOW = "DAP", ApplicationType.GENERIC_CLIENT
SAID = "Was a Database Access Point."


def upgrade():
    migration = importlib.import_module("provisioning.migrations.0035_no_data_access_point")
    migration.keep_as_generic_clients(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def former():
    """An application, its template, a package and a condition as an earlier version wrote them."""
    template = factories.make_template("Log_DAP", type=FORMER)
    row = factories.make_application("DAP_1", type=FORMER, template=template, options={"log": {"all": "stdout"}},
                                     ports={"default": 7800}, description="For reports.")
    factories.make_package(type=FORMER)
    AlarmCondition.objects.create(name="Of access points", detect_event=4504, application_type=FORMER)
    return row


def test_nothing_of_one_is_lost_but_the_name_of_its_type(former):
    other = factories.make_application("Other")
    before = history.snapshot(get_application(former.pk))
    entries = HistoryEntry.objects.count()
    upgrade()
    row = get_application(former.pk)
    changed = {"type": NOW, "description": f"For reports. {SAID}", "revision": before["revision"] + 1}
    assert history.snapshot(row) == {**before, **changed}
    assert row.template.type == InstallationPackage.objects.get().type == NOW
    assert AlarmCondition.objects.get(name="Of access points").application_type == NOW
    assert HistoryEntry.objects.count() == entries
    assert history.snapshot(get_application(other.pk)) == history.snapshot(other)


def test_a_description_for_which_there_is_no_room_stays_as_it_is(former):
    Application.objects.update(description="x" * 1000)
    upgrade()
    assert Application.objects.get().description == "x" * 1000


def test_it_is_shown_and_saved_as_what_is_only_kept(administrator, former):
    stale = application_draft(get_application(former.pk))
    upgrade()
    page = flat(administrator.get(reverse("application-edit", args=[former.pk])))
    assert "<dt>Type</dt><dd>Generic Client</dd>" in page
    with pytest.raises(Conflict):
        applications.update_application(actor=ADA, application_id=former.pk, revision=former.revision, draft=stale)
    row = get_application(former.pk)
    applications.update_application(actor=ADA, application_id=row.pk, revision=row.revision,
                                    draft=replace(application_draft(row), description="Changed."))
    assert Application.objects.get().description == "Changed."


def test_files_of_such_templates_and_packages_are_read(former):
    written = write_template(former.template).decode()
    upgrade()
    draft = read_template(written.encode(), file_name="Log_DAP.apd")
    assert (f"type = {FORMER}" in written, draft.type) == (True, NOW)
    assert templates.import_refusals(draft, ApplicationTemplate.objects.get(name="Log_DAP")) == []
    described = parse_description(b'<InstallationPackage><Product AppClass="DAP"><Release Version="8.5.1"/><Name><Long>'
                                  b"Log DAP</Long></Name></Product></InstallationPackage>")
    assert described.type == NOW


def test_what_history_has_of_one_comes_back_as_what_it_is_now(former):
    Application.objects.all().delete()
    templates.delete_template(actor=ADA, template_id=former.template_id)
    upgrade()
    number = HistoryEntry.objects.get(action="deleted").number
    assert HistoryEntry.objects.get(number=number).before["type"] == FORMER
    plan = restoring.plan(actor=ADA, number=number)
    assert plan.is_possible
    restoring.restore(actor=ADA, number=number, revision=plan.revision)
    assert ApplicationTemplate.objects.get().type == NOW


def test_it_is_offered_nowhere(administrator):
    assert FORMER_TYPES.keys() & set(ApplicationType.values) == set()
    for name in ("application-list", "template-list", "condition-new"):
        assert "Access Point" not in flat(administrator.get(reverse(name)))
