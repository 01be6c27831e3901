"""One judge of every verb: in whatever state a row is, what a page says of a verb is what its service does."""

import html
import json
import re
from contextlib import contextmanager

import pytest
from django.conf import settings as console
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from protocol.jobs import SIGNATURES
from provisioning.applications.selectors.applications import get_application
from provisioning.applications.services import applications
from provisioning.core.control import control_of
from provisioning.errors import Link, Refused
from provisioning.fleet.services import batches
from provisioning.hosts.selectors.hosts import get_host
from provisioning.jobs.kinds import ASK, KINDS
from provisioning.jobs.rules.readiness import CHECKS_OF, HostNow, Subject
from provisioning.jobs.rules.readiness import refusals as judge
from provisioning.jobs.selectors.readiness import look_refusals, why_not
from provisioning.jobs.selectors.start_files import start_files
from provisioning.models import Connection, Drill, HostRuntime, Job
from provisioning.pairs.services import pairs
from provisioning.states import ApplicationStatus, ApplicationType, HostStatus, JobKind
from provisioning.verbs.services import last_reports
from provisioning.web.tables import APPLICATIONS, JUDGED
from tests import factories
from tests.commands import run
from tests.factories import ADMINISTRATOR
from tests.provisioning.walk import forgotten

OF_ROWS = tuple(kind for kind in JobKind.values if not KINDS[kind].of_host)
VERBS = (*OF_ROWS, "stop-gracefully", "delete", "enable", "disable")
WORDS = {"install": "install", "start": "start", "stop": "stop", "make_certificates": "make_certificates"}
"""{kind: its command}."""
STATES = st.fixed_dictionaries({
    "type": st.sampled_from(["MessageServer", "MessageServer", "MessageServer", *ApplicationType.values]),
    "host": st.sampled_from(["well", "well", "well", "none", "Windows2012", "disabled", "never", "deaf", "blind",
                             *HostStatus.values]),
    "control": st.sampled_from(["answers", "answers", "silent"]),
    "enabled": st.booleans(), "installed": st.sampled_from([True, True, False]),
    "status": st.sampled_from([None, *ApplicationStatus.values]),
    "job": st.sampled_from([None, None, None, *OF_ROWS]),
    "drill": st.sampled_from([False, False, True]), "package": st.booleans(), "secured": st.booleans(),
    "safe": st.booleans(), "client": st.booleans(),
    "files": st.sampled_from([None, "differ", "equal", "outdated"]),
})
WELL = {"type": "MessageServer", "host": "well", "control": "answers", "enabled": True, "installed": True,
        "status": "Stopped", "job": None, "drill": False, "package": True, "secured": True, "safe": True,
        "client": False, "files": "differ"}
SETTINGS = {"suppress_health_check": list(HealthCheck)}


def host_of(state):
    if state == "none":
        return None
    status = {"never": None, "well": "Running", "Windows2012": "Running", "disabled": "Running", "deaf": "Running",
              "blind": "Running"}.get(state, state)
    host = factories.make_host("alpha", status=status, enabled=state != "disabled",
                               os_type=state if state == "Windows2012" else "Linux")
    facts = {"reports": SIGNATURES if state != "deaf" else True, "looks": state != "blind"}
    HostRuntime.objects.filter(host=host).update(agent_version="0.1.0", facts=facts)
    return host


def found_in(row, state):
    """A check of its start files that has succeeded, and what it found."""
    body = {"application": row.name, "directory": "/elsewhere" if state == "outdated" else row.working_directory,
            "configuration_server": {"host": console.PAIRWISE_CONTROL_HOST, "port": console.PAIRWISE_CONTROL_PORT},
            "files": [{"name": "run.sh", "present": True, "sha256": "a" * 64, "equal": state == "equal"}]}
    factories.make_job(row, kind="check_start_files", state="succeeded", finished_at=timezone.now(),
                       result={"start_files": body})


@contextmanager
def world(state):
    """The application MS in ``state``; whatever happens is forgotten."""
    with forgotten(), override_settings(PAIRWISE_WEB_TLS=state["safe"], PAIRWISE_HTTPS=False,
                                        PAIRWISE_CONSOLE_URL="", PAIRWISE_HOST="0.0.0.0"):
        row = factories.make_application("MS", host=host_of(state["host"]), status=state["status"],
                                         installed=state["installed"], enabled=state["enabled"],
                                         ports={"default": 7001})
        type(row).objects.filter(pk=row.pk).update(type=state["type"])
        row.ports.update(listening_mode="secured" if state["secured"] else "unsecured")
        if state["files"] and row.host:
            found_in(row, state["files"])
        if state["job"] and row.host:
            factories.make_job(row, kind=state["job"], state="running")
        if state["drill"]:
            Drill.objects.create(primary=row, primary_name="MS", backup_name="Other", asked_by="ada", state="running")
        if state["package"]:
            factories.make_package(type=state["type"])
        if state["client"]:
            Connection.objects.create(application=factories.make_application("Client"), server=row)
        factories.control_answers(60 if state["control"] == "silent" else 0)
        yield get_application(row.pk)


def sentence_of(work):
    """What a service says when it refuses, "" when it does the work."""
    with forgotten():
        try:
            done = work()
        except Refused as refused:
            return refused.refusals[0].message
        return "" if done else "nothing was changed"


def asked(row, verb):
    """What the service of ``verb`` says."""
    if verb == "delete":
        return sentence_of(lambda: applications.delete_applications(actor=ADMINISTRATOR, application_ids=[row.pk]))
    if verb in ("enable", "disable"):
        return sentence_of(lambda: applications.set_enabled(
            actor=ADMINISTRATOR, application_ids=[row.pk], enabled=verb == "enable"))
    given = {}
    if verb == "repair_start_files":
        found = start_files([row]).get(row.pk)
        given = {"seen": found.seen if found else {}}
    if verb == "stop-gracefully":
        verb, given = "stop", {"graceful": True}
    return sentence_of(lambda: ASK[verb](actor=ADMINISTRATOR, application_id=row.pk, **given))


@pytest.fixture
def at_once(monkeypatch, db, no_broker, no_control):
    """No service waits for a last report."""
    monkeypatch.setattr(last_reports, "PATIENCE_S", 0.0)


def agree(row, verb, page):
    service = asked(row, verb)
    job = row.active_jobs[0] if row.active_jobs else None
    if job and not page and "last report has not arrived yet" in service:
        return
    assert page == service or (verb in ("enable", "disable") and page and service == "nothing was changed")


@pytest.mark.long
@settings(max_examples=15, **SETTINGS)
@given(state=STATES)
@example(state=WELL)
@example(state=WELL | {"host": "disabled"})
@example(state=WELL | {"host": "Disconnected"})
@example(state=WELL | {"status": "Started"})
@example(state=WELL | {"type": "GenericServer"})
@example(state=WELL | {"type": "GenericClient"})
@example(state=WELL | {"drill": True})
@example(state=WELL | {"package": False})
@example(state=WELL | {"client": True})
@example(state=WELL | {"control": "silent", "status": "Started"})
def test_a_page_offers_a_verb_exactly_if_its_service_does_it_and_says_the_same(at_once, state):
    page_and_services_agree(state)


@pytest.mark.long
@settings(max_examples=120, **SETTINGS)
@given(state=STATES)
def test_a_page_offers_a_verb_exactly_if_its_service_does_it_whatever_the_state(at_once, state):
    page_and_services_agree(state)


def page_and_services_agree(state):
    with world(state) as row:
        said = why_not([row], VERBS)[row.pk]
        for verb in VERBS:
            agree(row, verb, said.get(verb, ""))


@settings(max_examples=10, **SETTINGS)
@given(state=STATES)
@example(state=WELL)
@example(state=WELL | {"host": "disabled"})
@example(state=WELL | {"type": "SCS", "status": "Started"})
def test_bulk_action_and_command_line_say_the_same(at_once, state):
    bulk = {"install": batches.install_applications, "start": batches.start_applications,
            "stop": batches.stop_applications}
    with world(state) as row:
        said = why_not([row], VERBS)[row.pk]
        for kind, work in bulk.items():
            with forgotten():
                found = work(actor=ADMINISTRATOR, application_ids=[row.pk]).refusals.get(row.pk, [])
            first = found[0].message if found else ""
            assert said.get(kind, "") == first or "last report" in first
        for kind, word in WORDS.items():
            with forgotten():
                code, _, error = run(word, "MS")
            # A job that the broker does not take is there all the same.
            refused = error.splitlines()[0] if code == 2 else ""
            assert said.get(kind, "") == refused or "last report" in refused


@settings(max_examples=20, **SETTINGS)
@given(state=STATES)
@example(state=WELL)
@example(state=WELL | {"host": "Unknown"})
@example(state=WELL | {"installed": False})
def test_a_look_is_offered_exactly_if_it_can_be_asked_for(at_once, state):
    with world(state) as row:
        if row.host is None:
            return
        host = get_host(row.host_id)
        stands = look_refusals([host], control_of(host))[host.pk]
        service = sentence_of(lambda: ASK["collect_facts"](actor=ADMINISTRATOR, host_id=host.pk))
        assert (stands[0].message if stands else "") == service


def test_every_verb_of_the_list_that_can_be_in_vain_is_judged():
    assert set(JUDGED) <= set(CHECKS_OF)
    assert {action.verb for action in APPLICATIONS.actions} - set(JUDGED) == {"edit", "clone", "export"}
    assert set(JobKind.values) <= set(CHECKS_OF)


def test_rows_are_judged_together_with_the_same_queries_however_many_they_are(db, django_assert_max_num_queries):
    rows = [get_application(member.pk) for member in factories.make_pair()]
    rows += [get_application(factories.make_application(f"S{n}", host=factories.make_host()).pk) for n in range(6)]
    verbs = (*VERBS, "switch-over")
    with django_assert_max_num_queries(13):
        found = why_not(rows, verbs)
    assert set(found) == {row.pk for row in rows}


OTHER = Link("application", "1", "Other")


@pytest.mark.parametrize("type", [t for t in ApplicationType.values if t != "MessageServer"])
@pytest.mark.parametrize("verb", ["install", "start", "restart", "check_start_files", "make_certificates"])
def test_what_pairwise_has_no_program_of_is_neither_installed_nor_started(type, verb):
    subject = Subject(link=OTHER, type=type, host=HostNow(link=OTHER))
    found = judge(subject, verb)
    assert len(found) == 1
    assert "Message Servers only" in found[0].message or "is no server" in found[0].message




# --- a switchover: control decides; what its record shows is said alike everywhere


@pytest.mark.django_db
@pytest.mark.parametrize("record", [{}, {"in_sync": False}, {"record": False}, {"disputed": True},
                                    {"status": "Stopped"}, {"status": None}])
def test_list_editor_and_pair_page_say_the_same_of_a_switchover(client, django_user_model, no_control, record):
    client.force_login(django_user_model.objects.create_superuser("ada", password="x"))
    primary, backup = factories.make_pair(**record)
    page = client.get(reverse("pair-detail", args=[primary.pk]))
    wanted = page.context["pair"].why_not.get("switchover", "")
    said = why_not([get_application(row.pk) for row in (primary, backup)], ["switch-over"])
    assert {found.get("switch-over", "") for found in said.values()} == {wanted}
    rows = client.get(reverse("application-list")).context["rows"]
    assert {json.loads(why).get("switch-over", "") for _, why in rows} == {wanted}
    editor = client.get(reverse("application-edit", args=[backup.pk])).context["blocked"]
    assert editor.get("switch-over", "") == wanted


@pytest.mark.django_db
def test_of_a_server_that_is_in_no_pair_everybody_says_the_same():
    row = get_application(factories.make_application("MS", host=factories.make_host()).pk)
    with pytest.raises(Refused) as refused:
        pairs.switch_over(actor=ADMINISTRATOR, application_id=row.pk)
    assert why_not([row], ["switch-over"])[row.pk]["switch-over"] == refused.value.refusals[0].message


@pytest.mark.django_db
def test_while_a_drill_runs_everybody_says_the_same_of_a_switchover(no_control):
    primary, backup = factories.make_pair()
    Drill.objects.create(primary=primary, primary_name="MS_Primary", backup_name="MS_Backup", asked_by="ada",
                         state="running")
    for row in (primary, backup):
        with pytest.raises(Refused) as refused:
            pairs.switch_over(actor=ADMINISTRATOR, application_id=row.pk)
        said = why_not([get_application(row.pk)], ["switch-over"])[row.pk]["switch-over"]
        assert said == refused.value.refusals[0].message


# --- the pages themselves


def button(page, key):
    """Why the button ``key`` is off, "" when it is on."""
    tag = re.search(rf'<(?:a|button)[^>]* id="{key}"[^>]*>|<(?:a|button) id="{key}"[^>]*>', page).group()
    return html.unescape(re.search(r'title="([^"]*)"', tag).group(1)) if "aria-disabled" in tag else ""


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [
    {}, {"host": "disabled"}, {"host": "Disconnected"}, {"type": "GenericServer"}, {"status": "Started"},
    {"enabled": False}, {"installed": False}, {"package": False}, {"job": "stop"}, {"drill": True}, {"safe": False},
], ids=str)
def test_every_page_says_what_the_judge_says(client, django_user_model, at_once, changes):
    client.force_login(django_user_model.objects.create_superuser("ada", password="x"))
    with world(WELL | changes) as row:
        said = why_not([row], VERBS)[row.pk]
        shown = client.get(reverse("application-edit", args=[row.pk])).text
        for verb in ("install", "start", "stop", "stop-gracefully", "delete"):
            assert button(shown, f"verb-{verb}") == said.get(verb, ""), verb
        shown = client.get(reverse("pair-detail", args=[row.pk])).text
        buttons = {f"member-{row.pk}-certificates": "make_certificates", f"guide-install-{row.pk}": "install",
                   f"guide-start-{row.pk}": "start", f"guide-check-start-files-{row.pk}": "check_start_files"}
        # Of what is only kept the Pair page says that, and offers nothing.
        assert any(f'id="{key}"' in shown for key in buttons) == row.is_runnable
        for key, verb in buttons.items():
            assert f'id="{key}"' not in shown or button(shown, key) == said.get(verb, ""), key
        listed = next(json.loads(why) for each, why in client.get(reverse("application-list")).context["rows"]
                      if each.pk == row.pk)
        editor, pair, files, install = (
            client.get(reverse(name, args=[row.pk])).context.get(what) for name, what in (
                ("application-edit", "blocked"), ("pair-detail", "pair"), ("application-start-files", "why_not"),
                ("application-install", "why_not")))
        for verb in JUDGED:
            if verb != "switch-over":
                assert listed.get(verb, "") == editor.get(verb, "") == said.get(verb, ""), verb
        for verb in ("install", "start", "stop", "check_start_files", "make_certificates"):
            assert pair is None or pair.why_not_one(verb, row.pk) == said.get(verb, ""), verb
        assert files == {"check": said.get("check_start_files", ""), "repair": said.get("repair_start_files", "")}
        assert (install or "") == said.get("install", "")


@pytest.mark.django_db
@pytest.mark.parametrize(("changes", "sentence"), [
    ({}, ""), ({"host": "disabled"}, "Host alpha is disabled. Enable it first."),
    ({"status": "Started"}, "MS runs already: it is Started.")])
def test_retry_and_what_comes_next_are_judged_too(client, django_user_model, at_once, changes, sentence):
    client.force_login(django_user_model.objects.create_superuser("ada", password="x"))
    with world(WELL | changes) as row:
        failed = factories.make_job(row, kind="start", state="failed")
        done = factories.make_job(row, kind="install", state="succeeded")
        shown = client.get(reverse("job-detail", args=[failed.pk])).context["view"]
        after = client.get(reverse("job-detail", args=[done.pk])).context["view"]
        assert (shown.why_not_retry, after.why_not_then) == (sentence, sentence)
        assert Job.objects.filter(state="queued").count() == 0
