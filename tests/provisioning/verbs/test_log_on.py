"""Servers do not run as root unless somebody chose it, whichever way they are installed."""

import pytest
from django.urls import reverse

from provisioning.errors import Refused
from provisioning.fleet.services import batches
from provisioning.models import Application, HistoryEntry, HostRuntime, Job
from provisioning.states import JobState
from provisioning.verbs.services import jobs
from tests import factories
from tests.commands import run

SENTENCE = "MS would run as root, as the agent of host alpha does."


@pytest.fixture
def row(db, no_broker):
    """To be installed on a host whose agent is root."""
    factories.make_package()
    made = factories.make_application("MS", host=factories.make_host("alpha"))
    agent_is("root", service="pairwise-servers")
    return made


def agent_is(account, service=""):
    HostRuntime.objects.update(facts={"account": account, "service_account": service})


def install(row, **given):
    return jobs.install_application(actor=factories.ADMINISTRATOR, application_id=row.pk, **given)


@pytest.mark.parametrize("before", ["", "SYSTEM"])
@pytest.mark.parametrize("given", [{}, {"log_on_as": ""}, {"log_on_as": "SYSTEM"}])
def test_an_install_that_nobody_chose_an_account_for_is_refused_where_the_agent_is_root(row, before, given):
    Application.objects.update(log_on_as=before)
    with pytest.raises(Refused, match=SENTENCE) as refused:
        install(row, **given)
    [refusal] = refused.value.refusals
    assert "Choose pairwise-servers as Log On As Account" in str(refused.value)
    assert refusal.field == "log_on_as"
    assert not Job.objects.exists()
    assert Application.objects.get().log_on_as == before


def test_a_host_without_an_account_for_servers_is_told_how_to_make_one(row):
    agent_is("root")
    with pytest.raises(Refused, match="useradd --system pairwise-servers"):
        install(row)


@pytest.mark.parametrize("account", ["root", "pairwise-servers"])
def test_root_is_a_choice_as_any_other_and_is_recorded(row, account):
    assert install(row, log_on_as=account).arguments["log_on_as"] == account
    entry = HistoryEntry.objects.filter(object_id=row.pk).latest("number")
    assert (entry.before["log_on_as"], entry.after["log_on_as"]) == ("SYSTEM", account)
    assert entry.user_name == factories.ADMINISTRATOR.name
    Job.objects.update(state=JobState.SUCCEEDED)
    assert install(row).arguments["log_on_as"] == account


@pytest.mark.parametrize("said", ["root", "0", "toor", "daemon", " pairwise-servers", ["pairwise-servers"]])
def test_no_other_account_is_taken_from_the_word_of_a_host(row, client, said):
    agent_is("root", service=said)
    batch = batches.install_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    assert not batch.jobs
    assert "useradd --system pairwise-servers" in str(batch)
    client.force_login(factories.make_user("ada", roles=("Administrator",)))
    page = client.get(reverse("application-install", args=[row.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "value=" not in page.partition('name="log_on_as"')[2].partition(">")[0]
    assert Application.objects.get().log_on_as == "SYSTEM"


def test_the_account_that_hosts_had_before_is_taken_from_those_that_name_it(row):
    agent_is("root", service="pairwise")
    [job] = batches.install_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk]).jobs
    assert job.arguments["log_on_as"] == "pairwise"


@pytest.fixture
def partner(row):
    """The standby of ``row``, on a host of its own."""
    other = factories.make_application("MS_B", host=factories.make_host("beta"))
    Application.objects.filter(pk=row.pk).update(backup_server=other)
    row.refresh_from_db()
    return other


@pytest.mark.parametrize(("before", "facts", "after"), [
    ("SYSTEM", {"account": "root", "service_account": "pairwise-servers"}, "pairwise-servers"),
    ("SYSTEM", {"account": "root", "service_account": ""}, "SYSTEM"),
    ("SYSTEM", {"account": "ms"}, "SYSTEM"),
    ("ms", {"account": "root", "service_account": "pairwise-servers"}, "ms"),
])
def test_what_one_host_says_changes_the_partner_only_where_its_own_host_says_it_too(row, partner, before, facts, after):
    Application.objects.filter(pk=partner.pk).update(log_on_as=before)
    HostRuntime.objects.filter(host=partner.host).update(facts=facts)
    batches.install_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    accounts = dict(Application.objects.values_list("name", "log_on_as"))
    assert accounts == {"MS": "pairwise-servers", "MS_B": after}


def test_what_a_person_chose_is_the_account_of_both(row, partner):
    install(row, log_on_as="genesys")
    assert set(Application.objects.values_list("log_on_as", flat=True)) == {"genesys"}


@pytest.mark.parametrize("account", ["ms", ""])
def test_where_the_agent_is_not_root_or_has_not_said_nothing_is_asked(row, account):
    agent_is(account)
    assert install(row).arguments["log_on_as"] == ""


def test_many_at_once_run_as_the_account_that_their_host_has_for_servers(row):
    batch = batches.install_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    assert (batch.refusals, [job.arguments["log_on_as"] for job in batch.jobs]) == ({}, ["pairwise-servers"])
    assert Application.objects.get().log_on_as == "pairwise-servers"


def test_many_at_once_are_refused_one_by_one(row):
    agent_is("root")
    chosen = factories.make_application("Chosen", host=row.host, log_on_as="pairwise-servers")
    batch = batches.install_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk, chosen.pk])
    assert [job.application for job in Job.objects.all()] == [chosen]
    assert SENTENCE in str(batch)


def test_the_command_refuses_and_takes_the_choice(row):
    code, _, err = run("install", "MS")
    assert (code, SENTENCE in err, "--log-on-as" in err) == (2, True, True)
    assert run("install", "MS", "--log-on-as", "root")[0] == 1  # there is no broker
    assert Job.objects.get().arguments["log_on_as"] == "root"
    assert Application.objects.get().log_on_as == "root"


@pytest.mark.parametrize("given", ["", "SYSTEM"])
def test_the_dialog_says_it_beside_the_field(row, client, given):
    client.force_login(factories.make_user("ada", roles=("Administrator",)))
    address = reverse("application-install", args=[row.pk])
    answer = client.post(address, {"path": "", "log_on_as": given}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "or root to have it run as root all the same" in answer.content.decode()
    assert client.post(address, {"path": "", "log_on_as": "root"}).status_code == 302
