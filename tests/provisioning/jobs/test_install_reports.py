"""What the end of an install does to its application."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.core import control_client
from provisioning.models import Application, Event, HistoryEntry, Host, Job
from tests.factories import asked_to_install, make_job

from .host_reports import report

pytestmark = pytest.mark.django_db
INSTALLED = {"working_directory": "/srv/pairwise/MS", "command_line": "./MessageServer",
             "command_line_arguments": "-host 127.0.0.1 -port 2020 -app MS", "version": "8.5.100.02", "backup": "",
             "facts": {"python": "3.11"}}


# --- install


def test_finished_install_fills_in_the_application_with_history(install_job, monkeypatch,
                                                                django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr(control_client, "announce_changed", lambda applications=(), hosts=(): told.extend(applications))
    with django_capture_on_commit_callbacks(execute=True):
        done = report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    row = Application.objects.get(name="MS")
    assert (row.working_directory, row.command_line) == ("/srv/pairwise/MS", "./MessageServer")
    assert row.command_line_arguments == "-host 127.0.0.1 -port 2020 -app MS"
    assert (row.version, row.revision, row.is_installed) == ("8.5.100.02", 2, True)
    assert done.result["facts"] == {"python": "3.11"}
    entry = HistoryEntry.objects.get(object_type="application")
    assert entry.reason == f"Installed by job {install_job.pk} on host alpha."
    assert (entry.before["working_directory"], entry.after["working_directory"]) == (".", "/srv/pairwise/MS")
    assert (entry.user_name, entry.origin, told) == ("ada", "job on alpha", ["MS"])


def test_failed_install_leaves_the_application_as_it_was(install_job):
    report(install_job, 1, "finished", state="failed", reason="No Configuration Server.", result=INSTALLED)
    row = Application.objects.get(name="MS")
    assert (row.working_directory, row.revision) == (".", 1)
    assert not HistoryEntry.objects.exists()


@pytest.mark.parametrize("change", [
    {"working_directory": "relative"}, {"working_directory": ""}, {"version": None}, {"version": "8.5.100.03"},
    {"command_line": "a\nb"}, {"command_line_arguments": 7}, {"command_line": "/bin/sh"}, {"command_line": ["x"]},
    {"command_line_arguments": "-c 'id > /tmp/x'"}, {"working_directory": "/srv"},
    {"working_directory": "/srv/pairwise/MS/"},
    {"command_line_arguments": "-host 127.0.0.1 -port 2020 -app OTHER"}])
def test_an_install_that_says_anything_but_what_was_asked_is_an_error_and_fills_nothing_in(
        install_job, change):
    done = report(install_job, 1, "finished", state="succeeded", result={**INSTALLED, **change})
    assert (done.state, "the installation of MS as finished, but" in done.reason) == ("error", True)
    assert Application.objects.get(name="MS").revision == 1
    assert "as finished, but" not in (event := Event.objects.get(host=install_job.host)).text
    assert "Install MS: its " in event.text


@pytest.mark.parametrize(("root", "said", "taken"), [
    ("", "/anywhere/MS", True), ("", "/anywhere/OTHER", False), ("", "relative/MS", False), ("", "/a/../MS", False),
    ("", None, False), ("/opt/pairwise-agent/apps", "/opt/pairwise-agent/apps/MS", True),
    ("/opt/pairwise-agent/apps", "/anywhere/MS", False)])
def test_a_directory_of_its_own_is_where_the_host_said_at_its_join(install_job, root, said, taken):
    Host.objects.update(install_root=root)
    Job.objects.update(arguments=asked_to_install(directory=""))
    done = report(install_job, 1, "finished", state="succeeded", result={**INSTALLED, "working_directory": said})
    assert done.state == ("succeeded" if taken else "error")
    assert (Application.objects.get(name="MS").working_directory == said) is taken


def test_late_install_does_not_undo_a_newer_one(install_job):
    Job.objects.update(state="lost", created_at=timezone.now() - timedelta(hours=1))
    newer = make_job(install_job.application, kind="install", steps=6, arguments=asked_to_install("9"))
    report(newer, 1, "finished", state="succeeded", result={**INSTALLED, "version": "9"})
    late = report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    assert (late.state, Application.objects.get(name="MS").version) == ("succeeded", "9")


def test_reinstall_with_the_same_result_leaves_no_second_history_entry(install_job):
    report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    again = make_job(install_job.application, kind="install", steps=6)
    report(again, 1, "finished", state="succeeded", result=INSTALLED)
    assert HistoryEntry.objects.count() == 1
