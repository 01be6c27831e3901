"""Buttons of the list and of the editor: they ask, act and say what happened."""

import re

import pytest

from provisioning.core.permissions import ROLE_VERBS
from provisioning.models import Application, HistoryEntry, HostRuntime, Job
from provisioning.states import ApplicationStatus, JobKind, JobState, Role
from provisioning.web.tables import APPLICATIONS
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, script

pytestmark = pytest.mark.django_db
ACTION = f"{LIST}action/"


def running(name="MS", **fields):
    return factories.make_application(name, host=factories.make_host(), status=ApplicationStatus.STARTED,
                                      **{"installed": True, **fields})


def stopped(name="MS", **fields):
    return factories.make_application(name, host=factories.make_host(), status=ApplicationStatus.STOPPED,
                                      **{"installed": True, **fields})


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def test_start_makes_a_job_and_names_it(operator):
    row = stopped()
    answer = operator.post(ACTION, {"verb": "start", "ids": [row.pk]}, follow=True)
    job = Job.objects.get()
    assert (job.kind, job.application) == (JobKind.START, row)
    assert str(job.pk) in said(answer)[0]


def test_start_of_several_says_which_could_not(operator):
    good, bad = stopped("Good"), running("Bad")
    answer = operator.post(ACTION, {"verb": "start", "ids": [good.pk, bad.pk]}, follow=True)
    assert [job.application_name for job in Job.objects.all()] == ["Good"]
    assert any("Bad" in sentence for sentence in said(answer)[1:])


def test_stop_asks_first_and_names_what_is_hit_and_what_follows(operator):
    row, other = running("MS_One"), stopped("MS_Two")
    answer = operator.post(ACTION, {"verb": "stop", "ids": [row.pk, other.pk]}, headers=script())
    page = answer.content.decode()
    assert not Job.objects.exists()
    assert "Stop MS_One?" in page
    assert "nothing takes over, because it has no Backup Server" in page
    assert "Left out" in page
    assert "MS_Two does not run: it is Stopped." in page


@pytest.mark.parametrize(("verb", "graceful"), [("stop", False), ("stop-gracefully", True)])
def test_a_confirmed_stop_makes_the_job(operator, verb, graceful):
    row = running()
    operator.post(ACTION, {"verb": verb, "ids": [row.pk], "confirmed": "1"})
    job = Job.objects.get()
    assert (job.kind, job.arguments["graceful"]) == (JobKind.STOP, graceful)


def test_a_script_is_told_to_refresh_the_rows_and_close_the_dialog(operator):
    row = running()
    answer = operator.post(ACTION, {"verb": "stop", "ids": [row.pk], "confirmed": "1"}, headers=script())
    assert answer["HX-Reswap"] == "none"
    assert "rows-changed" in answer["HX-Trigger"]
    assert "dialog-close" in answer["HX-Trigger"]
    assert "message-success" in answer.content.decode()


def test_delete_asks_first_then_deletes(administrator):
    row = stopped("Old")
    page = administrator.post(ACTION, {"verb": "delete", "ids": [row.pk]}).content.decode()
    assert "Delete Old?" in page
    assert Application.objects.filter(pk=row.pk).exists()
    answer = administrator.post(ACTION, {"verb": "delete", "ids": [row.pk], "confirmed": "1"}, follow=True)
    assert said(answer) == ["Old was deleted."]
    assert not Application.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(("client_runs", "goes"), [(False, True), (True, False)])
def test_a_server_goes_with_its_client_or_is_left_out_with_it(administrator, client_runs, goes):
    server, client_row = stopped("Server"), (running if client_runs else stopped)("Client")
    client_row.connections.create(server=server)
    page = administrator.post(ACTION, {"verb": "delete", "ids": [server.pk, client_row.pk]}).content.decode()
    assert ("Server cannot be deleted: Client connects to it." in page) is not goes
    assert (f'name="ids" value="{server.pk}"' in page) is goes
    alone = administrator.get(f"{LIST}{server.pk}/delete/").content.decode()
    assert "Server cannot be deleted: Client connects to it." in alone


def test_a_refused_delete_names_the_client_with_a_link(administrator):
    server, client_row = stopped("Server"), stopped("Client")
    client_row.connections.create(server=server)
    answer = administrator.post(ACTION, {"verb": "delete", "ids": [server.pk], "confirmed": "1"}, follow=True)
    assert f'href="{LIST}{client_row.pk}/"' in said(answer)[0]
    assert Application.objects.filter(pk=server.pk).exists()


def test_deleting_from_the_editor_leaves_for_the_list(administrator):
    row = stopped()
    page = administrator.get(f"{LIST}{row.pk}/delete/?leave=1", headers=script()).content.decode()
    assert 'name="leave"' in page
    answer = administrator.post(ACTION, {"verb": "delete", "ids": [row.pk], "confirmed": "1", "leave": "1"},
                                headers=script())
    assert answer["HX-Redirect"] == LIST


@pytest.mark.parametrize(("verb", "before", "after"), [("disable", True, False), ("enable", False, True)])
def test_enable_and_disable(administrator, verb, before, after):
    row = stopped(enabled=before)
    administrator.post(ACTION, {"verb": verb, "ids": [row.pk]})
    row.refresh_from_db()
    assert row.enabled is after


def test_edit_opens_the_editor_of_the_one_selected(support):
    row = stopped()
    sent, editor = {"verb": "edit", "ids": [row.pk]}, f"{LIST}{row.pk}/"
    assert support.post(ACTION, sent)["Location"] == editor
    assert support.post(ACTION, sent, headers=script())["HX-Redirect"] == editor


@pytest.mark.parametrize(("verb", "count"), [("edit", 0), ("edit", 2), ("start", 0), ("delete", 0)])
def test_a_wrong_number_of_rows_is_answered_with_a_sentence(administrator, verb, count):
    ids = [stopped(f"S{number}").pk for number in range(count)]
    answer = administrator.post(ACTION, {"verb": verb, "ids": ids}, follow=True)
    assert "in the list first" in said(answer)[0]


def test_ids_that_are_no_numbers_are_nobody(administrator):
    answer = administrator.post(ACTION, {"verb": "start", "ids": ["x", "-1", "²"]}, follow=True)
    assert "in the list first" in said(answer)[0]


def test_an_unknown_verb_is_404(administrator):
    assert administrator.post(ACTION, {"verb": "explode"}).status_code == 404


def test_afterwards_it_goes_back_where_it_was_but_never_elsewhere(operator):
    row = stopped()
    back = f"{LIST}?q=MS"
    assert operator.post(ACTION, {"verb": "start", "ids": [row.pk], "next": back})["Location"] == back
    elsewhere = operator.post(ACTION, {"verb": "start", "ids": [row.pk], "next": "https://example.net/"})
    assert elsewhere["Location"] == LIST


@pytest.mark.parametrize("verb", [
    action.verb for action in APPLICATIONS.actions if action.permission not in ROLE_VERBS[Role.SUPPORT]])
def test_support_may_not_act_and_is_told_why(support, verb):
    row = stopped()
    answer = support.post(ACTION, {"verb": verb, "ids": [row.pk], "confirmed": "1"})
    assert answer.status_code == 403
    assert "Your role does not let you" in answer.content.decode()
    by_script = support.post(ACTION, {"verb": verb, "ids": [row.pk], "confirmed": "1"}, headers=script())
    assert "role" in by_script["X-Pairwise-Sentence"]
    assert not Job.objects.exists()


def test_clone_asks_for_a_name_and_opens_the_copy(administrator):
    row = stopped("MS", ports={"default": 7001})
    assert "MS_copy" in administrator.get(f"{LIST}{row.pk}/clone/", headers=script()).content.decode()
    answer = administrator.post(f"{LIST}{row.pk}/clone/", {"name": "MS_Two"})
    copy = Application.objects.get(name="MS_Two")
    assert answer["Location"] == f"{LIST}{copy.pk}/"
    assert copy.ports.get().port != 7001


def test_clone_with_a_taken_name_is_refused_in_the_dialog(administrator):
    row = stopped("MS")
    answer = administrator.post(f"{LIST}{row.pk}/clone/", {"name": "MS"}, headers=script())
    assert answer.status_code == 422
    assert "exists already" in answer.content.decode()


def test_install_asks_for_a_directory_and_opens_the_job(administrator):
    factories.make_package()
    row = stopped(installed=False)
    assert "Directory" in administrator.get(f"{LIST}{row.pk}/install/").content.decode()
    answer = administrator.post(f"{LIST}{row.pk}/install/", {"path": "/srv/ms"})
    job = Job.objects.get()
    assert answer["Location"].endswith(f"/{job.pk}/")
    assert job.kind == JobKind.INSTALL


def test_install_with_a_relative_directory_is_refused_in_the_dialog(administrator):
    factories.make_package()
    row = stopped(installed=False)
    answer = administrator.post(f"{LIST}{row.pk}/install/", {"path": "srv"}, headers=script())
    assert answer.status_code == 422
    assert "absolute path" in answer.content.decode()
    assert not Job.objects.exists()


def agent_says(row, **facts):
    HostRuntime.objects.update_or_create(host=row.host, defaults={"facts": facts})


@pytest.mark.parametrize(("service", "proposed", "sentence"), [
    ("pairwise", "pairwise", "pairwise is there for servers."), ("", "", "Create an account for servers there")])
def test_install_proposes_an_account_where_the_server_would_run_as_root(administrator, service, proposed, sentence):
    row = stopped("MS", installed=False)
    agent_says(row, account="root", service_account=service)
    page = administrator.get(f"{LIST}{row.pk}/install/").content.decode()
    assert f"MS would run as root, as the agent of host {row.host.name} does. {sentence}" in page
    field = page.partition('name="log_on_as"')[2].partition(">")[0]
    assert re.findall('value="([^"]*)"', field) == ([proposed] if proposed else [])
    agent_says(row, account="ms", service_account=service)
    assert "would run as root" not in administrator.get(f"{LIST}{row.pk}/install/").content.decode()
    Application.objects.update(log_on_as="root")
    agent_says(row, account="root", service_account=service)
    assert "would run as root" not in administrator.get(f"{LIST}{row.pk}/install/").content.decode()


def test_the_account_that_is_chosen_at_an_install_is_that_of_both_members_and_recorded(administrator):
    factories.make_package()
    primary = stopped("MS_P", installed=False)
    backup = stopped("MS_B", installed=False)
    Application.objects.filter(pk=primary.pk).update(backup_server=backup)
    answer = administrator.post(f"{LIST}{backup.pk}/install/", {"path": "", "log_on_as": "pairwise"})
    assert answer.status_code == 302, answer.content.decode()
    assert set(Application.objects.values_list("log_on_as", flat=True)) == {"pairwise"}
    assert Job.objects.get().arguments["log_on_as"] == "pairwise"
    for row in (primary, backup):
        entry = HistoryEntry.objects.filter(object_id=row.pk).latest("pk")
        assert entry.after["log_on_as"] == "pairwise"
        assert "Chosen when MS_B was installed." in entry.reason


def test_an_account_that_somebody_else_saved_meanwhile_is_told_and_not_written_over(administrator):
    factories.make_package()
    row = stopped("MS", installed=False)
    address = f"{LIST}{row.pk}/install/"
    page = administrator.get(address, headers=script()).content.decode()
    sent = {"path": "", "log_on_as": "SYSTEM", "seen": re.search(r'name="seen" value="([^"]*)"', page)[1]}
    Application.objects.update(log_on_as="genesys")
    answer = administrator.post(address, sent, headers=script())
    assert "Somebody saved genesys as the Log On As Account of MS while you were choosing one." in flat(answer)
    assert (answer.status_code, Application.objects.get().log_on_as, Job.objects.exists()) == (422, "genesys", False)
    # Another refusal, which does not say it, does not count as having seen it.
    answer = administrator.post(address, sent | {"path": "srv"}, headers=script())
    assert 'name="seen" value="SYSTEM"' in flat(answer)
    # It is known now what is stored: the same once more is meant.
    assert administrator.post(address, sent | {"seen": "genesys"}).status_code == 302
    assert Application.objects.get().log_on_as == "SYSTEM"


def test_an_account_that_is_no_name_is_refused_beside_its_field_and_nothing_is_installed(administrator):
    factories.make_package()
    row = stopped("MS", installed=False)
    answer = administrator.post(f"{LIST}{row.pk}/install/", {"path": "", "log_on_as": "a\x07b"}, headers=script())
    assert (answer.status_code, Job.objects.exists()) == (422, False)


def test_install_says_beforehand_that_a_job_is_under_way(administrator):
    row = stopped()
    factories.make_job(row, state=JobState.RUNNING)
    assert "Another job works on" in administrator.get(f"{LIST}{row.pk}/install/", headers=script()).content.decode()


def test_an_operator_exports_nothing_as_everywhere_else(operator):
    row = stopped()
    answer = operator.post(ACTION, {"verb": "export", "ids": [row.pk]})
    assert (answer.status_code, "let you export" in answer.content.decode()) == (403, True)
    button = re.search(r'<button[^>]*data-verb="export"[^>]*>', operator.get(LIST).content.decode())[0]
    assert 'aria-disabled="true"' in button
    assert button.count("title=") == 1


def test_export_of_the_selected_hides_secrets(support):
    row = stopped("MS_A", options={"clients": {"bench": "benchpass"}})
    stopped("MS_B")
    answer = support.post(ACTION, {"verb": "export", "ids": [row.pk]})
    text = answer.content.decode()
    assert 'filename="pairwise.yaml"' in answer["Content-Disposition"]
    assert "MS_A" in text
    assert "MS_B" not in text
    assert "benchpass" not in text
    assert "MS_B" in support.post(ACTION, {"verb": "export"}).content.decode()
