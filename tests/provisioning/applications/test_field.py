"""What the field has and Pairwise does not is refused, or said to be kept only; never offered as if it worked."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from control import objects
from protocol.events import written
from provisioning.applications.forms.applications import ApplicationForm
from provisioning.applications.forms.rows import ConnectionForm, PortForm
from provisioning.drafts import NOT_PASSED_ON, ONLY_LOG_PASSED_ON, REACH_NOBODY, PortDraft
from provisioning.models import Application, ListeningPort
from provisioning.states import TYPE_NUMBERS, ApplicationType, ListeningMode, PortProtocol
from tests.factories import make_application, make_pair

from .test_rules import refusals

PORT = PortDraft(port_id="default", port=7001)


def test_auto_detect_is_refused_with_what_there_is_instead():
    [refusal] = refusals(ports=(replace(PORT, listening_mode="auto detect"),))
    assert (refusal.field, refusal.message) == (
        "ports.0.listening_mode", "Auto Detect is not supported. Choose Unsecured or Secured.")
    assert ListeningMode.values == ["unsecured", "secured"]


def test_a_port_that_would_speak_addp_in_name_only_is_refused():
    [refusal] = refusals(ports=(replace(PORT, protocol="addp"),))
    assert (refusal.field, 'does not speak "addp"' in refusal.message) == ("ports.0.protocol", True)
    assert PortProtocol.values == ["stomp", "stomp-ws", "sync"]


@pytest.mark.django_db
def test_ports_that_were_stored_say_what_was_done():
    server = make_application(ports={"a": 7001, "b": 7002, "c": 7003, "d": 7004})
    other = make_application(type="GenericServer", ports={"a": 7005})
    ListeningPort.objects.filter(port__in=(7001, 7002)).update(listening_mode="auto detect")
    ListeningPort.objects.filter(port=7002).update(transport_parameters="certificate=/c;tls=1")
    ListeningPort.objects.filter(port__in=(7003, 7005)).update(protocol="addp")
    import_module("provisioning.migrations.0028_no_auto_detect").say_what_was_done(
        apps, SimpleNamespace(connection=connection))
    found = {row.port: (row.listening_mode, row.protocol) for each in (server, other) for row in each.ports.all()}
    assert found == {7001: ("unsecured", ""), 7002: ("secured", ""), 7003: ("unsecured", "stomp"),
                     7004: ("unsecured", ""), 7005: ("unsecured", "addp")}


def test_application_types_have_the_numbers_of_the_field():
    assert {str(kind): number for kind, number in TYPE_NUMBERS.items()} == {
        "MessageServer": 42, "SCS": 43, "GenericServer": 107, "GenericClient": 108}
    assert TYPE_NUMBERS.keys() == set(ApplicationType)
    assert written(20001) == f"{TYPE_NUMBERS[ApplicationType.MESSAGE_SERVER]}-20001"


# --- what is kept and told to nobody


def told(row):
    """All that a server is told of itself."""
    return objects.application_peers([row.name])[row.name].configuration


@pytest.mark.django_db
def test_what_is_said_to_reach_nobody_reaches_no_server():
    primary, _ = make_pair()
    before = told(primary)
    Application.objects.filter(pk=primary.pk).update(tenants="East", reconnect_timeout=77, reconnect_attempts=9)
    primary.ports.update(application_parameters="a=1", description="For clients")
    assert told(primary) == before
    Application.objects.filter(pk=primary.pk).update(shutdown_timeout=33)
    assert told(primary) != before


def test_forms_say_what_is_passed_on_to_nobody():
    form = ApplicationForm()
    assert {name for name, field in form.fields.items() if NOT_PASSED_ON in field.help_text} == set(REACH_NOBODY)
    assert ONLY_LOG_PASSED_ON in ConnectionForm().fields["server_id"].help_text
    page = Path(settings.BASE_DIR, "templates/applications/_rows_connections.html").read_text()
    assert ONLY_LOG_PASSED_ON in " ".join(page.split())
    assert NOT_PASSED_ON in PortForm().fields["application_parameters"].help_text
