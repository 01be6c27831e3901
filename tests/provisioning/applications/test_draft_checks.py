"""Drafts checked while somebody types."""

from dataclasses import replace

import pytest

from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications as services
from provisioning.models import Application
from tests.factories import make_application, make_draft, make_host, port

from .saves import create

pytestmark = pytest.mark.django_db


def test_check_runs_the_rules_and_writes_nothing():
    host = make_host()
    make_application("Other", host=host, ports={"default": 7001})
    found = services.check_application(draft=make_draft(host_id=host.pk, ports=(port(),)), application_id=None)
    assert [r.field for r in found] == ["ports.0.port"]
    assert Application.objects.count() == 1


def test_check_of_a_stored_object_does_not_clash_with_itself():
    host = make_host()
    row = create(name="MS", host_id=host.pk, ports=(port(),))
    assert services.check_application(draft=application_draft(row), application_id=row.pk) == []


@pytest.mark.parametrize("number", ["7001", 10**30, -1, None, True])
def test_number_that_is_no_port_is_refused_not_an_error(number):
    draft = make_draft(host_id=make_host().pk, ports=(port(number=number),))
    found = services.check_application(draft=draft, application_id=None)
    assert [r.field for r in found] == ["ports.0.port"]


def test_directory_of_a_neighbour_is_found_among_many():
    host = make_host()
    for number in range(5):
        make_application(host=host, working_directory=f"/srv/app{number}")
    found = services.check_application(draft=make_draft(host_id=host.pk, working_directory="/srv//app3/"),
                                       application_id=None)
    assert [r.field for r in found] == ["working_directory"]


def test_ports_of_the_console_are_refused_on_its_own_host(settings):
    settings.PAIRWISE_REDIS_URL = "redis://localhost:6379/0"
    host = make_host("localhost", ip_address="127.0.0.1")
    numbers = (settings.PAIRWISE_PORT, settings.PAIRWISE_CONTROL_PORT, 6379)
    draft = make_draft(host_id=host.pk, ports=tuple(port(f"p{n}", n) for n in numbers))
    assert len(services.check_application(draft=draft, application_id=None)) == 3
    elsewhere = replace(draft, host_id=make_host().pk)
    assert services.check_application(draft=elsewhere, application_id=None) == []
