"""Pages of hosts."""

import re
import socket

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.jobs import SIGNATURES
from provisioning.drafts import HostDraft
from provisioning.hosts.forms import hosts as forms
from provisioning.hosts.services import hosts as services
from provisioning.models import FoundOnHost, Host, HostRuntime, Job, RuntimeStatus
from provisioning.states import HostStatus
from tests import factories
from tests.html import flat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "no_control")]
TYPED = {"name": "edge1", "ip_address": "192.0.2.10", "os_type": "Linux", "os_version": "12", "lca_port": "4999",
         "enabled": "on"}
HTMX = {"HX-Request": "true"}


# --- list and page


def test_the_list_shows_what_agents_said(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10")
    HostRuntime.objects.filter(host=host).update(agent_version="1.2.3")
    factories.make_application(host=host)
    factories.make_host("edge2", status=None)
    page = administrator.get(reverse("host-list"))
    assert [(row.name, row.status, row.application_count) for row in page.context["page"]] == [
        ("edge1", "Running", 1), ("edge2", "Unknown", 0)]
    assert "1.2.3" in page.text
    assert "never" in page.text


@pytest.mark.parametrize(("query", "names"), [
    ("text=192.0.2.1", ["a"]), ("text=B", ["b"]), ("status=Disconnected", ["b"]), ("status=Unknown", ["c"]),
    ("sort=-name", ["c", "b", "a"]), ("sort=rubbish", ["a", "b", "c"]),
])
def test_the_list_filters_and_sorts_by_its_address(administrator, query, names):
    factories.make_host("a", ip_address="192.0.2.1")
    factories.make_host("b", ip_address="192.0.2.22", status=HostStatus.DISCONNECTED)
    factories.make_host("c", ip_address="198.51.100.1", status=None)
    page = administrator.get(f"{reverse('host-list')}?{query}")
    assert [row.name for row in page.context["page"]] == names


def test_a_list_of_hosts_costs_the_same_queries_whatever_its_length(administrator, django_assert_max_num_queries):
    for _ in range(20):
        factories.make_application(host=factories.make_host())
    with django_assert_max_num_queries(11):
        administrator.get(reverse("host-list"))


def test_a_host_shows_its_facts_and_its_applications(support):
    host = factories.make_host("edge1")
    HostRuntime.objects.filter(host=host).update(
        facts={"cpu_percent": 12.4, "memory_percent": 91, "disk_free_bytes": 5 * 1024**3}, agent_pid=4711,
        reason="connected")
    factories.make_application("MS_Primary", host=host, ports={"default": 7001}, status="Started", mode="Primary")
    text = support.get(reverse("host-detail", args=[host.pk])).text
    for fact in ("12 %", "91 %", "5.0", "4711", "MS_Primary", "7001", "Started", "Primary"):
        assert fact in text
    assert "Your role does not let you create, change and delete hosts" in text


def test_a_host_that_never_reported_says_what_to_do(administrator):
    host = factories.make_host(status=None)
    assert "has never reported" in administrator.get(reverse("host-detail", args=[host.pk])).text


def test_a_host_that_is_gone_is_not_found(administrator):
    assert administrator.get(reverse("host-detail", args=[999])).status_code == 404


# --- new and edit


def test_a_new_host_is_stored_and_shown(administrator):
    page = administrator.post(reverse("host-new"), TYPED, follow=True)
    host = Host.objects.get()
    assert (host.name, host.ip_address, host.os_version, host.lca_port, host.enabled) == (
        "edge1", "192.0.2.10", "12", 4999, True)
    assert page.redirect_chain == [(reverse("host-detail", args=[host.pk]), 302)]
    assert "Host edge1 was saved." in page.text


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("name", "", "A host needs a Name."),
    ("ip_address", "300.1.1.1", "This is no IP address."),
    ("lca_port", "1999", "greater than or equal to 2000"),
    ("lca_port", "10000", "less than or equal to 9999"),
    ("os_type", "BeOS", "No agent runs on BeOS. Choose one of the list."),
])
def test_what_is_wrong_stands_next_to_its_field(administrator, field, value, sentence):
    page = administrator.post(reverse("host-new"), {**TYPED, field: value})
    assert page.status_code == 422
    assert sentence in page.context["form"].errors[field][0]
    assert 'aria-invalid="true"' in page.text
    assert not Host.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("name", "edge1"), ("ip_address", "192.0.2.10")])
def test_a_name_or_address_of_another_host_is_refused_with_a_link_to_it(administrator, field, value):
    other = factories.make_host(**{"name": "edge0", "ip_address": "192.0.2.9", field: value})
    page = administrator.post(reverse("host-new"), TYPED)
    assert page.status_code == 422
    assert reverse("host-detail", args=[other.pk]) in page.context["form"].errors[field][0]


def test_an_edit_shows_what_is_stored_and_saves_over_it(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10", lca_port=5001)
    url = reverse("host-edit", args=[host.pk])
    page = administrator.get(url)
    assert page.context["form"]["lca_port"].value() == 5001
    administrator.post(url, {**TYPED, "lca_port": "5002", "revision": "1"})
    host.refresh_from_db()
    assert (host.lca_port, host.revision) == (5002, 2)


def test_a_save_over_somebody_elses_save_is_refused_and_shows_the_difference(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10", revision=2, os_version="theirs")
    url = reverse("host-edit", args=[host.pk])
    page = administrator.post(url, {**TYPED, "os_version": "mine", "revision": "1"})
    assert page.status_code == 409
    for word in ("theirs", "mine", "Keep mine", "Take theirs"):
        assert word in page.text
    host.refresh_from_db()
    assert host.os_version == "theirs"
    administrator.post(url, {**TYPED, "os_version": "mine", "revision": "2"})
    host.refresh_from_db()
    assert host.os_version == "mine"


# --- look-up


def test_the_address_of_a_name_is_looked_up_without_losing_what_was_typed(administrator):
    page = administrator.post(reverse("host-new"), {**TYPED, "name": "localhost", "ip_address": "", "lookup": "1"})
    shown = [page.context["form"][name].value() for name in ("ip_address", "os_version", "enabled")]
    assert shown == ["127.0.0.1", "12", True]
    assert not Host.objects.exists()


def test_a_script_gets_the_field_alone(administrator):
    page = administrator.post(reverse("host-new"), {"name": "localhost", "lookup": "1"}, headers=HTMX)
    assert "<html" not in page.text
    assert 'value="127.0.0.1"' in page.text


@pytest.mark.parametrize(("name", "sentence"), [
    ("", "Type the network name"), ("-x;y", "Type the network name"),
    ("no-such-machine.invalid", "No address was found for no-such-machine.invalid."),
])
def test_a_name_without_an_address_says_so(administrator, name, sentence):
    page = administrator.post(reverse("host-new"), {**TYPED, "name": name, "lookup": "1"})
    assert sentence in page.text


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    import threading

    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **named: release.wait(30) and [])
    with pytest.raises(forms.LookupFailed, match="No address was found"):
        forms.look_up_address("slow.example", within_s=0.05)
    release.set()


# --- delete


def test_delete_asks_first_and_then_deletes(administrator):
    host = factories.make_host("edge1", status=None)
    url = reverse("host-delete", args=[host.pk])
    assert "Delete host edge1?" in administrator.get(url).text
    page = administrator.post(url, follow=True)
    assert not Host.objects.exists()
    assert "Host edge1 was deleted." in page.text


def test_a_host_with_applications_is_not_deleted_and_the_sentence_names_them(administrator):
    host = factories.make_host("edge1")
    application = factories.make_application("MS_Primary", host=host)
    page = administrator.post(reverse("host-delete", args=[host.pk]), follow=True)
    assert Host.objects.exists()
    assert "cannot be deleted while applications are assigned to it" in page.text
    assert reverse("application-edit", args=[application.pk]) in page.text


@pytest.mark.parametrize("name", ["host-new", "host-edit", "host-delete"])
def test_an_operator_cannot_change_hosts(operator, name):
    host = factories.make_host()
    url = reverse(name, args=[] if name == "host-new" else [host.pk])
    for answer in (operator.get(url, headers=HTMX), operator.post(url, TYPED, headers=HTMX)):
        assert answer.status_code == 403
        assert "Ask for the role Administrator." in answer.text


# --- ladder


def test_the_ladder_says_how_far_the_host_is_reachable(support, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_, **__: [(socket.AF_INET, 0, 0, "", ("192.0.2.77", 0))])
    monkeypatch.setattr(socket, "gethostbyaddr", lambda address: ("laddered.example", [], [address]))
    host = factories.make_host("laddered", ip_address="192.0.2.77")
    HostRuntime.objects.filter(host=host).update(
        agent_version="0.9", facts={"clock_offset_s": 0.2, "disk_free_bytes": 5 * 1024**3})
    page = support.get(reverse("host-ladder", args=[host.pk]))
    states = {rung.label: rung.state for rung in page.context["ladder"].rungs}
    assert states["Name resolves"] == states["Agent connected"] == states["Clock"] == states["Disk"] == "ok"
    # The broker is away here.
    assert states["Worker answers"] == "failed"
    assert "Holds up to: Agent connected" in page.text


def test_the_page_of_a_host_asks_for_its_ladder(support):
    host = factories.make_host()
    assert f'hx-get="{reverse("host-ladder", args=[host.pk])}"' in support.get(
        reverse("host-detail", args=[host.pk])).text


def test_a_server_that_another_account_started_is_marked(administrator):
    host = factories.make_host("edge1")
    HostRuntime.objects.filter(host=host).update(facts={"account": "root"})
    application = factories.make_application("MS", host=host, status="Started")
    RuntimeStatus.objects.filter(application=application).update(pid=77, account="otto")
    page = administrator.get(reverse("host-detail", args=[host.pk])).text
    assert "as otto" in page
    assert "MS runs as otto, its agent, whose account it is to have, runs as root." in page
    ladder = administrator.get(reverse("host-ladder", args=[host.pk])).text
    assert "MS runs as otto" not in ladder  # the agent did not say which accounts it has
    HostRuntime.objects.filter(host=host).update(facts={"account": "root", "accounts": {}})
    assert "MS runs as otto" in administrator.get(reverse("host-ladder", args=[host.pk])).text


# --- what was found on it


@pytest.fixture
def looked(monkeypatch):
    """A host with a server that was looked at, whose agent is connected."""
    monkeypatch.setattr("provisioning.jobs.worker.dispatch.hand_over", lambda key: True)
    row = factories.make_application("MS_Looked", host=factories.make_host("looked-on"), installed=True)
    HostRuntime.objects.filter(host=row.host).update(facts={"looks": True, "reports": SIGNATURES})
    FoundOnHost.objects.create(application=row, host=row.host, at=timezone.now(), body={
        "directory": {"present": True, "path": "/srv/ms", "owner": "pw", "usable": True},
        "program": {"present": True, "usable": False, "problem": "pw may not execute <b>it</b>."},
        "listeners": {"7001": "python3 (pid 9, account x)"}, "changed": ["lib/a.py"], "process": {"pid": 7},
        "names": {"beta": []}, "reverse": {"192.0.2.2": "beta"}, "clock_synchronized": False})
    return row


def test_a_host_shows_what_was_found_there_and_what_of_it_is_wrong(support, looked):
    page = support.get(reverse("host-detail", args=[looked.host_id])).text
    assert "/srv/ms, belongs to pw" in page
    assert "pw may not execute &lt;b&gt;it&lt;/b&gt;." in page
    for text in ("Taken by python3 (pid 9, account x)", "Changed: lib/a.py", "Does not resolve",
                 "Follows no time server"):
        assert text in page


def test_support_looks_now_and_the_page_says_that_it_goes_on(support, looked):
    address = reverse("host-detail", args=[looked.host_id])
    assert "being looked at" not in support.get(address).text
    answer = support.post(reverse("host-look", args=[looked.host_id]), follow=True)
    assert "looked-on is being looked at." in answer.text
    assert 'id="look-job"' in answer.text
    assert Job.objects.get(kind="collect_facts").created_by == "support"


def test_who_may_not_look_is_told_why(operator, looked):
    page = operator.get(reverse("host-detail", args=[looked.host_id])).text
    assert "Your role does not let you run the audit." in page
    assert operator.post(reverse("host-look", args=[looked.host_id])).status_code == 403


def test_a_host_that_nobody_looked_on_says_so(support):
    host = factories.make_host()
    page = support.get(reverse("host-detail", args=[host.pk])).text
    assert "Not checked yet" in page
    assert "older than this console and cannot look" in page


def check(client, address=None, touched="name ip_address os_type lca_port", **values):
    answer = client.post(address or reverse("host-new"), {**TYPED, "check": "1", "touched": touched, **values},
                         headers=HTMX)
    found = re.findall(r'<div id="(?:id_)?(\w+)_error"[^>]*>(.*?)</div>\s*(?=<div id|$)', flat(answer))
    return {place: re.sub(r"<[^>]+>", "", text) for place, text in found}


def test_what_is_typed_is_checked_while_it_is_typed_and_nothing_is_saved(administrator):
    factories.make_host("edge1", ip_address="192.0.2.10")
    said = check(administrator)
    assert "edge1" in said["name"]
    assert said["lca_port"] == ""
    assert check(administrator, lca_port="many")["lca_port"] == "LCA Port must be a whole number."
    assert set(check(administrator, touched="lca_port")) == {"lca_port", "form"}
    assert Host.objects.count() == 1


def test_a_check_of_a_stored_host_does_not_meet_itself(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10")
    assert set(check(administrator, reverse("host-edit", args=[host.pk])).values()) == {""}


def test_a_conflict_says_who_saved(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10")
    draft = HostDraft(name="edge1", ip_address="192.0.2.10", os_type="Linux", os_version="theirs", lca_port=4999,
                      enabled=True)
    services.update_host(actor=factories.ADMINISTRATOR, host_id=host.pk, revision=host.revision, draft=draft)
    page = administrator.post(reverse("host-edit", args=[host.pk]),
                              {**TYPED, "os_version": "mine", "revision": host.revision})
    assert page.status_code == 409
    assert f"{factories.ADMINISTRATOR.name} saved this host in the meantime" in flat(page)
    assert flat(page).count(f"{factories.ADMINISTRATOR.name} saved") == 1


def test_what_was_typed_for_a_host_that_was_deleted_meanwhile_can_be_saved_as_a_new_one(administrator):
    host = factories.make_host("edge1", ip_address="192.0.2.10")
    services.delete_host(actor=factories.ADMINISTRATOR, host_id=host.pk)
    answer = administrator.post(reverse("host-edit", args=[host.pk]), {**TYPED, "revision": "1"})
    assert answer.status_code == 404
    for words in ("edge1 does not exist any more", f"{factories.ADMINISTRATOR.name} deleted it while",
                  f'action="{reverse("host-new")}"', "192.0.2.10"):
        assert words in flat(answer)
