"""Nothing is offered that leads nowhere: systems that no agent runs on, types that nothing starts, and the like."""

import pytest
from django.urls import reverse

from control import objects
from provisioning.errors import Refused
from provisioning.hosts.forms.filters import HostFilter
from provisioning.hosts.services import enrolment, ssh_joining
from provisioning.models import Application, Host
from provisioning.monitoring.forms import EventFilter
from provisioning.states import (
    AGENT_SYSTEMS,
    KNOWN_HOST_STATUSES,
    OFFERED_SYSTEMS,
    RUNNABLE_TYPES,
    SERVER_TYPES,
    TOLD_LEVELS,
    OSType,
)
from tests import factories
from tests.html import flat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
TYPED = {"name": "edge1", "ip_address": "192.0.2.10", "os_type": "Linux", "os_version": "", "lca_port": "4999",
         "enabled": "on"}
NOWHERE = sorted(set(OSType.values) - set(OFFERED_SYSTEMS))
AGENTLESS = sorted(set(OSType.values) - set(AGENT_SYSTEMS))


def offered(page):
    return [value for value, _ in page.context["form"].fields["os_type"].choices]


@pytest.mark.parametrize("system", NOWHERE)
def test_a_new_host_is_of_no_system_that_nothing_runs_on(administrator, system):
    address = reverse("host-new")
    assert system not in offered(administrator.get(address))
    answer = administrator.post(address, {**TYPED, "os_type": system})
    assert answer.status_code == 422
    assert answer.context["form"].errors["os_type"] == [f"No agent runs on {system}. Choose one of the list."]
    assert not Host.objects.exists()


@pytest.mark.parametrize("system", NOWHERE)
def test_a_host_that_came_with_such_a_system_keeps_it_and_says_so(administrator, system):
    host = factories.make_host("edge1", ip_address="192.0.2.10", os_type=system, status=None)
    address = reverse("host-edit", args=[host.pk])
    shown = administrator.get(address)
    assert (offered(shown), "(no agent runs there)" in flat(shown)) == ([*OFFERED_SYSTEMS, system], True)
    sent = {**TYPED, "os_type": system, "os_version": "11", "revision": host.revision}
    assert administrator.post(address, sent).status_code == 302
    host.refresh_from_db()
    assert (host.os_type, host.os_version) == (system, "11")


@pytest.mark.parametrize("system", AGENTLESS)
def test_where_no_agent_runs_nothing_joins_and_the_page_says_why(administrator, system):
    host = factories.make_host("edge1", os_type=system, status=None)
    sentence = "Jobs do not reach edge1: "
    with pytest.raises(Refused, match=sentence):
        enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)
    with pytest.raises(Refused, match=sentence):
        ssh_joining.look(actor=factories.ADMINISTRATOR, host=host, port=22)
    page = flat(administrator.get(reverse("host-detail", args=[host.pk])))
    assert page.count(f'aria-disabled="true" title="{sentence}') == 3  # Join, Join by SSH, Look
    assert "for a line to paste" not in page


def test_a_new_windows_host_gets_no_line_to_paste(administrator):
    answer = administrator.post(reverse("host-new"), {**TYPED, "os_type": OSType.WINDOWS_2012}, follow=True)
    assert "was saved" in flat(answer)
    assert 'id="join-line"' not in flat(answer)


@pytest.mark.parametrize("system", AGENTLESS)
def test_a_package_that_no_job_installs_says_so(administrator, system):
    package = factories.make_package(os_type=system)
    assert "the package is kept, and no job installs it" in flat(
        administrator.get(reverse("package-detail", args=[package.pk])))


def test_filters_offer_what_there_can_be():
    assert [value for value, _ in EventFilter({}).fields["level"].choices] == ["", *TOLD_LEVELS]
    assert [value for value, _ in HostFilter({}).fields["status"].choices] == ["", *KNOWN_HOST_STATUSES]


@pytest.mark.parametrize("kind", sorted(SERVER_TYPES))
def test_an_agent_is_told_to_start_and_restart_what_may_be_started_only(kind):
    host = factories.make_host("edge1")
    row = factories.make_application("MS", host=host, installed=True, auto_restart=True)
    Application.objects.filter(pk=row.pk).update(type=kind)
    told = [each["name"] for each in objects.supervised([host.pk])[host.pk]]
    assert told == (["MS"] if kind in RUNNABLE_TYPES else [])


@pytest.mark.parametrize("kind", sorted(SERVER_TYPES))
def test_the_editor_of_what_is_only_kept_says_that_auto_restart_has_no_effect(administrator, kind):
    row = factories.make_application("MS", template=factories.make_template(f"Of_{kind}", type=kind))
    page = flat(administrator.get(reverse("application-edit", args=[row.pk])))
    assert ("Auto-Restart and the timeouts have no effect." in page) == (kind not in RUNNABLE_TYPES)
