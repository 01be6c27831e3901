"""The commands beside apply and export: status, imports, and jobs with their exit codes."""

import threading
import time

import pytest
from django.db import connection

from protocol.jobs import sign_report
from provisioning.jobs.worker.reports import record_report
from provisioning.management import console
from provisioning.models import ApplicationTemplate, InstallationPackage, Job
from tests.factories import make_application, make_host
from tests.provisioning.catalog.test_hosts_and_templates import APD
from tests.provisioning.catalog.test_packages import archive


@pytest.mark.django_db
class TestOtherCommands:
    def test_status_as_table_and_json(self, run):
        make_application("MS", host=make_host("alpha"), status="Started", mode="Primary", ports={"default": 7001})
        table = run("status").out
        assert "MS    MessageServer  alpha  Started  Primary" in table
        assert "default:7001" in table
        assert run("status", "--json").json["applications"][0]["status"] == "Started"

    def test_imports(self, run, tmp_path, settings):
        settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
        (tmp_path / "a.apd").write_bytes(APD)
        (tmp_path / "ip.tar.gz").write_bytes(archive())
        assert "Message_Server (Message Server, version 8.5.100.01) is there." in run(
            "import_template", str(tmp_path / "a.apd")).out
        body = run("import_package", str(tmp_path / "ip.tar.gz"), "--json").json
        assert body["packages"][0]["version"] == "8.5.100.01"
        assert (ApplicationTemplate.objects.count(), InstallationPackage.objects.count()) == (1, 1)
        assert run("import_package", str(tmp_path / "a.apd")).code == 2
        assert run("import_template", "/no/such").code == 2

    @pytest.mark.parametrize("command", ["install", "start", "stop"])
    def test_unknown_name_is_refused(self, run, command):
        result = run(command, "Nobody")
        assert (result.code, result.err) == (2, "There is no application named Nobody.\n")

    def test_refusal_has_exit_code_2_and_a_sentence(self, run):
        make_application("MS")
        result = run("start", "MS", "--json")
        assert result.code == 2
        assert "MS has no Host" in result.err
        assert "MS has no Host" in result.json["refusals"][0]["message"]


@pytest.mark.django_db(transaction=True)
class TestJobCommands:
    @pytest.fixture
    def row(self):
        return make_application("MS", host=make_host("alpha"), installed=True)

    def play_host(self, row, *reports):
        """A host that takes the next job and reports this about it, in a thread of its own."""
        def play():
            deadline = time.monotonic() + 20
            while not (job := Job.objects.filter(enqueued_at__isnull=False).first()) and time.monotonic() < deadline:
                time.sleep(0.02)
            for seq, report in enumerate(reports, 1):
                body = {"job": str(job.pk), "host": "alpha", "seq": seq, "at": time.time(), **report}
                record_report(body, sign_report(row.host.secret, body))
            connection.close()
        thread = threading.Thread(target=play)
        thread.start()
        return thread

    def test_without_wait_it_is_queued(self, run, row, broker):
        result = run("start", "MS")
        assert result.code == 0
        assert f"Start MS on alpha: queued as job {Job.objects.get().pk}." in result.out

    def test_broker_away_is_exit_code_1_with_what_to_do(self, run, row, no_broker):
        result = run("start", "MS", "--wait")
        assert result.code == 1
        assert "could not be sent to the broker" in result.err
        assert "Retry" in result.err

    def test_wait_follows_the_log_to_the_end(self, run, row, broker, monkeypatch):
        monkeypatch.setattr(console, "SETTLE_S", 0.0)  # no agent says that it has stopped
        host = self.play_host(row, {"kind": "claimed", "worker": "w"},
                              {"kind": "log", "lines": [[0, "info", "Asking."], [0, "info", "It ended."]]},
                              {"kind": "finished", "state": "succeeded", "result": {"exit_code": 0}})
        result = run("stop", "MS", "--wait", "--graceful")
        host.join()
        assert result.code == 0
        states = ("Queued:", "Claimed:", "Running:")
        assert [line for line in result.out.splitlines() if not line.startswith(states)] == [
            f"Stop MS on alpha is job {Job.objects.get().pk}. Waiting for its end, 3600 s at most.", "Asking.",
            "It ended.", "Stop MS on alpha: succeeded."]
        assert Job.objects.get().arguments["graceful"] is True

    def test_failed_job_is_exit_code_1_with_its_reason(self, run, row, broker):
        host = self.play_host(row, {"kind": "log", "lines": [[0, "info", "Trying."]]},
                              {"kind": "finished", "state": "failed", "reason": "It broke.", "advice": "Mend it."})
        result = run("start", "MS", "--wait", "--json")
        host.join()
        assert (result.code, result.json["state"], result.json["reason"]) == (1, "failed", "It broke.")
        assert "\nTrying.\n" in result.err
        assert result.err.endswith("\nStart MS on alpha: Failed. It broke. Mend it.\n")

    def test_waiting_is_bounded(self, run, row, broker):
        result = run("start", "MS", "--wait", "--timeout", "0.3")
        assert result.code == 1
        assert "has not ended yet (Queued). The console worker has never reported." in result.err
