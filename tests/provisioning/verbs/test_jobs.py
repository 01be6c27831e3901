"""Creating, cancelling and retrying jobs; handing them to a real broker, or to one that is away."""

import base64
import json
import time

import pytest
from django.utils import timezone

from protocol.jobs import RUN_JOB, SIGNATURES, STEPS, host_queue, sign_job
from provisioning.applications.selectors.applications import get_application
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.jobs.selectors.readiness import why_not
from provisioning.jobs.worker import dispatch
from provisioning.models import Application, HostRuntime, Job, Option
from provisioning.verbs.services import jobs as services
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT, make_application, make_host, make_job, make_package


def on_host(status=None, installed=True, **fields):
    host = fields.pop("host", None) or make_host("alpha")
    return make_application("MS", host=host, installed=installed, status=status, **fields)


def start(row):
    return services.start_application(actor=OPERATOR, application_id=row.pk)


def install(row, path=""):
    return services.install_application(actor=ADMINISTRATOR, application_id=row.pk, path=path)


def stop(row, **options):
    return services.stop_application(actor=OPERATOR, application_id=row.pk, **options)


def delivered(client, host="alpha"):
    """What lies in the queue of a host: [(task name, task id, args)]."""
    messages = [json.loads(raw) for raw in client.lrange(host_queue(host), 0, -1)]
    return [(m["headers"]["task"], m["headers"]["id"], json.loads(base64.b64decode(m["body"]))[0]) for m in messages]


# --- refusals


@pytest.mark.django_db
class TestRefusals:
    @pytest.mark.parametrize("kind", ["install", "start", "stop"])
    def test_no_host(self, kind):
        row = make_application("MS", installed=True)
        with pytest.raises(Refused, match="MS has no Host"):
            {"install": install, "start": start, "stop": stop}[kind](row)

    @pytest.mark.parametrize("word", ["Disconnected", "Unavailable", "Unreachable"])
    def test_host_whose_agent_is_away_is_named(self, word):
        row = on_host(host=make_host("alpha", status=word))
        with pytest.raises(Refused, match=f"Host alpha is {word}") as caught:
            start(row)
        assert caught.value.refusals[0].links[0].name == "alpha"

    def test_host_that_never_connected(self):
        with pytest.raises(Refused, match="alpha has never connected"):
            start(on_host(host=make_host("alpha", status=None)))

    def test_an_agent_of_which_the_console_would_hear_nothing_is_to_be_upgraded(self):
        row = on_host(host=make_host("alpha"))
        HostRuntime.objects.update(agent_version="0.1.0", facts={"looks": True})
        with pytest.raises(Refused, match=r"The agent of host alpha is older than this console.* Press Upgrade Agent"):
            start(row)
        HostRuntime.objects.update(facts={"looks": True, "reports": SIGNATURES})
        start(row)

    def test_disabled_host(self):
        with pytest.raises(Refused, match="Host alpha is disabled"):
            start(on_host(host=make_host("alpha", enabled=False)))

    def test_disabled_application_stops_but_does_not_start(self):
        row = on_host(enabled=False, status="Started")
        with pytest.raises(Refused, match="MS is disabled"):
            install(row)
        assert stop(row).kind == "stop"

    def test_not_installed(self):
        with pytest.raises(Refused, match="not installed yet"):
            start(on_host(installed=False))

    @pytest.mark.parametrize("status", ["Started", "Initializing", "Stop Pending", "Start Pending"])
    def test_start_of_what_runs(self, status):
        with pytest.raises(Refused, match=f"runs already: it is {status}"):
            start(on_host(status=status))

    @pytest.mark.parametrize("status", ["Stopped", "Gave Up"])
    def test_stop_of_what_is_stopped(self, status):
        with pytest.raises(Refused, match=f"MS does not run: it is {status}"):
            stop(on_host(status=status))

    def test_status_unknown_can_be_started_and_stopped(self):
        row = on_host(status="Unknown")
        assert start(row).kind == "start"
        Job.objects.all().delete()
        assert stop(row).kind == "stop"

    def test_no_package_for_the_type(self):
        make_package(type="SCS")
        make_package(os_type="AIX")
        with pytest.raises(Refused, match="no Installation Package for a Message Server on Linux"):
            install(on_host())

    def test_what_is_no_server(self):
        row = on_host()
        Application.objects.update(type="GenericClient")
        with pytest.raises(Refused, match="is no server"):
            start(row)

    def test_one_job_at_a_time_and_the_other_is_linked(self):
        row = on_host()
        first = start(row)
        with pytest.raises(Refused, match="Another job works on MS: Start, queued") as caught:
            start(row)
        assert caught.value.refusals[0].links[0].key == str(first.pk)

    def test_one_job_at_a_time_holds_when_both_ask_at_once(self, monkeypatch):
        row = on_host()
        first = start(row)
        monkeypatch.setattr(services, "_ready", lambda actor, key, kind: get_application(key))
        with pytest.raises(Refused, match="Another job works on MS") as caught:
            start(row)
        assert caught.value.refusals[0].links[0].key == str(first.pk)

    def test_finished_job_is_in_nobodys_way(self):
        row = on_host()
        make_job(row, state="failed")
        assert start(row).state == "queued"

    def test_unknown_application(self):
        with pytest.raises(NotFound):
            services.start_application(actor=OPERATOR, application_id=1)

    def test_roles(self):
        row = on_host()
        with pytest.raises(NotAllowed):
            services.start_application(actor=SUPPORT, application_id=row.pk)
        with pytest.raises(NotAllowed):
            services.install_application(actor=OPERATOR, application_id=row.pk)

    def test_why_not_says_the_same(self, django_assert_num_queries):
        row = get_application(on_host(status="Started").pk)
        with django_assert_num_queries(1):
            said = why_not([row], ["start", "stop", "restart"])[row.pk]
        assert said == {"start": "MS runs already: it is Started."}

    @pytest.mark.parametrize("path", ["relative", "/srv/other", "/srv/other/in", "/a/../b"])
    def test_install_path_keeps_the_rules_of_working_directory(self, path):
        row = on_host()
        make_package()
        make_application("Other", host=row.host, working_directory="/srv/other")
        with pytest.raises(Refused) as caught:
            install(row, path)
        assert {r.field for r in caught.value.refusals} == {"path"}

    def test_an_install_on_windows_says_that_the_agent_needs_linux_and_where_to_read_on(self):
        make_package()
        row = on_host(host=make_host("winnie", os_type="Windows2012"))
        with pytest.raises(Refused, match="Jobs do not reach winnie: the agent needs Linux"):
            install(row)


# --- what a job says


@pytest.mark.django_db
class TestArguments:
    def test_steps_are_those_of_the_protocol(self):
        job = start(on_host())
        assert tuple(job.steps.values_list("name", flat=True)) == STEPS["start"]

    def test_start_carries_what_the_agent_supervises(self):
        row = on_host(auto_restart=True, log_on_as="gcti")
        Option.objects.create(application=row, annex=True, section="sml", key="suspending-wait-timeout", value="9999")
        assert start(row).arguments == {
            "name": "MS", "enabled": True, "working_directory": row.working_directory,
            "command_line": "./MessageServer", "command_line_arguments": "", "startup_timeout": 90,
            "shutdown_timeout": 90, "auto_restart": True, "log_on_as": "gcti", "suspending_wait_timeout": 600,
            "heartbeat_period": 10, "hangup_restart": True}

    def test_stop_says_how(self):
        assert stop(on_host(status="Started", shutdown_timeout=30), graceful=True).arguments == {
            "graceful": True, "shutdown_timeout": 30, "suspending_wait_timeout": 10}

    def test_install_takes_the_newest_package_and_names_taken_directories(self, settings):
        row = on_host(installed=False)
        make_application("Other", host=row.host, working_directory="/srv/other")
        make_application("Waiting", host=row.host)
        make_package(version="8.5.9.01")
        newest = make_package(version="8.5.100.02", size=77)
        arguments = install(row).arguments
        assert arguments["package"] == {
            "id": newest.pk, "path": f"/host-api/packages/{newest.pk}/file", "size": 77, "sha256": newest.sha256,
            "filename": "MessageServer-8.5.100.02.tar.gz", "version": "8.5.100.02"}
        assert arguments["configuration_server"] == {
            "host": settings.PAIRWISE_CONTROL_HOST, "port": settings.PAIRWISE_CONTROL_PORT}
        assert (arguments["directory"], arguments["directory_name"]) == ("", "MS")
        assert arguments["taken_directories"] == ["/srv/other"]
        assert row.secret not in json.dumps(arguments)

    def test_install_stays_where_it_is_unless_a_path_is_given(self):
        make_package()
        row = on_host()
        assert install(row).arguments["directory"] == row.working_directory
        Job.objects.all().delete()
        assert install(row, "/srv/new").arguments["directory"] == "/srv/new"

    @pytest.mark.parametrize(("name", "expected"), [
        ("MS_Primary", "MS_Primary"), ("MS 1/2", "MS_1_2-{}"), ("..", "application-{}"), ("Übung", "bung-{}"),
        ("a/../b", "a_.._b-{}"), ("*?", "application-{}")])
    def test_directory_names_are_safe_and_tell_applications_apart(self, name, expected):
        row = make_application(name)
        assert services.directory_name(row) == expected.format(row.pk)


# --- the broker


@pytest.mark.django_db(transaction=True)
class TestBroker:
    def test_job_is_signed_and_lies_in_the_queue_of_its_host_once(self, broker):
        row = on_host()
        job = start(row)
        [(task, key, (payload, signature))] = delivered(broker)
        assert (task, key, payload["job"]) == (RUN_JOB, str(job.pk), str(job.pk))
        assert (payload["kind"], payload["host"], payload["application"]) == ("start", "alpha", "MS")
        assert abs(payload["issued_at"] - time.time()) < 5
        assert signature == sign_job(row.host.secret, payload)
        assert (job.state, job.reason) == ("queued", "")
        assert job.enqueued_at is not None

    def test_broker_away_the_row_says_so_and_retry_hands_the_same_job_over(self, no_broker, request):
        row = on_host()
        before = time.monotonic()
        job = start(row)
        assert time.monotonic() - before < 5
        assert (job.state, job.enqueued_at) == ("queued", None)
        assert job.reason.startswith("The job could not be sent to the broker")
        assert "Retry" in job.advice
        client = request.getfixturevalue("broker")
        again = services.retry_job(actor=OPERATOR, job_id=job.pk)
        assert (again.pk, again.reason, Job.objects.count()) == (job.pk, "", 1)
        assert [key for _, key, _ in delivered(client)] == [str(job.pk)]
        with pytest.raises(Refused, match="Start MS is Queued"):
            services.retry_job(actor=OPERATOR, job_id=job.pk)
        assert len(delivered(client)) == 1

    def test_jobs_that_are_handed_over_together_share_a_connection_also_after_it_broke(self, broker):
        names = ["a", "b", "c", "d", "e", "f"]
        jobs = [make_job(make_application(name, host=make_host(name))) for name in names]
        before = broker.info("stats")["total_connections_received"]
        with dispatch.one_connection():
            assert dispatch.hand_over(jobs[0].pk)
            with pytest.raises(ZeroDivisionError), dispatch._connection():
                raise ZeroDivisionError
            assert all(dispatch.hand_over(job.pk) for job in jobs[1:])
        # Kombu takes two for each of its own; one more is the live pages'.
        assert broker.info("stats")["total_connections_received"] <= before + 5
        assert sorted(broker.keys("host.*")) == [f"host.{name}".encode() for name in names]

    def test_job_that_the_broker_lost_is_given_to_it_again_and_one_that_it_has_is_not(self, broker):
        job = start(on_host())
        assert not dispatch.hand_over_again(job.pk)
        broker.flushdb()
        assert dispatch.hand_over_again(job.pk)
        assert [key for _, key, _ in delivered(broker)] == [str(job.pk)]
        job.refresh_from_db()
        assert job.enqueued_at is not None
        services.cancel_job(actor=OPERATOR, job_id=job.pk)
        broker.flushdb()
        assert not dispatch.hand_over_again(job.pk)

    def test_a_broker_that_is_away_is_not_given_a_job_again(self, no_broker):
        assert not dispatch.hand_over_again(make_job(on_host(), enqueued_at=timezone.now()).pk)

    def test_cancel_while_queued_is_at_once(self, broker):
        job = services.cancel_job(actor=OPERATOR, job_id=start(on_host()).pk)
        assert (job.state, job.cancel_requested_by) == ("cancelled", "otto")
        assert set(job.steps.values_list("state", flat=True)) == {"skipped"}

    def test_cancel_reaches_the_workers(self, broker):
        listener = broker.pubsub()
        listener.psubscribe("*control.*.pidbox")
        assert listener.get_message(timeout=5)["type"] == "psubscribe"
        job = make_job(on_host(), state="running")
        job = services.cancel_job(actor=OPERATOR, job_id=job.pk)
        assert (job.state, job.cancel_requested_by) == ("running", "otto")
        heard = listener.get_message(timeout=5)
        body = json.loads(base64.b64decode(json.loads(heard["data"])["body"]))
        assert (body["method"], body["arguments"]["task_id"]) == ("revoke", str(job.pk))
        assert (body["arguments"]["terminate"], body["arguments"]["signal"]) == (True, "SIGUSR1")
        listener.close()

    def test_cancel_while_the_broker_is_away(self, no_broker):
        job = services.cancel_job(actor=OPERATOR, job_id=start(on_host()).pk)
        assert job.state == "cancelled"


@pytest.mark.django_db
class TestCancelAndRetry:
    @pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "lost", "error"])
    def test_finished_jobs_are_not_cancelled(self, state):
        job = make_job(on_host(), state=state)
        with pytest.raises(Refused, match="has ended already"):
            services.cancel_job(actor=OPERATOR, job_id=job.pk)

    def test_operators_do_not_cancel_installs(self):
        job = make_job(on_host(), kind="install", state="running")
        with pytest.raises(NotAllowed):
            services.cancel_job(actor=OPERATOR, job_id=job.pk)

    def test_unknown_job(self):
        with pytest.raises(NotFound):
            services.cancel_job(actor=OPERATOR, job_id="no such")

    @pytest.mark.parametrize("state", ["failed", "cancelled", "lost", "error"])
    def test_retry_of_a_finished_job_is_a_new_one(self, state):
        old = make_job(on_host(status="Started"), kind="stop", state=state, arguments={"graceful": True})
        new = services.retry_job(actor=OPERATOR, job_id=old.pk)
        assert (new.retry_of, new.kind, new.arguments["graceful"]) == (old, "stop", True)

    def test_retry_of_an_install_keeps_the_path(self):
        make_package()
        old = make_job(on_host(), kind="install", state="failed", arguments={"path_given": "/srv/there"})
        assert services.retry_job(actor=ADMINISTRATOR, job_id=old.pk).arguments["directory"] == "/srv/there"

    def test_retry_of_what_succeeded_or_was_deleted_is_refused(self):
        row = on_host()
        done = make_job(row, state="succeeded")
        with pytest.raises(Refused, match="only a job that failed"):
            services.retry_job(actor=OPERATOR, job_id=done.pk)
        gone = make_job(row, state="failed")
        row.delete()
        with pytest.raises(Refused, match="MS was deleted"):
            services.retry_job(actor=OPERATOR, job_id=gone.pk)

