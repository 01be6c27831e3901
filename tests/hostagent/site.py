"""A host with agent and worker as the console sees it: through the broker, with real processes."""

import contextlib
import json
import queue
import signal
import time
import uuid

from celery import Celery
from kombu import Connection
from redis.lock import Lock

from hostagent.config import load
from protocol.jobs import RECORD_REPORT, RUN_JOB, host_control, host_queue, reports_queue, sign_job, sign_report
from protocol.names import safe_name
from provisioning.broker import rules as broker_access
from provisioning.broker.worker.access import known_commands
from tests.scenarios.harness import wait_for

from .doubles import HOST, SECRET, AgentProcess, ControlDouble, end_servers, items_of, until, write_config
from .packages import ConfigurationServerDouble, ConsoleDouble, build_package

APP = "MS_Primary"


class Site:
    """A console's side of the broker: enqueues signed jobs and collects what the host reports."""

    def __init__(self, path, broker, own_broker, console, server):
        self.path, self.broker, self.console, self.server = path, broker, console, server
        self.config_path = write_config(path, broker_url=own_broker, console_url=console.url, worker=True)
        self.config = load(self.config_path, {})
        self.agent = AgentProcess(self.config_path)
        self.celery = Celery("console", broker=broker, set_as_current=False)
        self.celery.conf.update(task_ignore_result=True, control_exchange=host_control(HOST))
        self.connection = Connection(broker)
        self.reports = []
        self.control = ControlDouble(self.agent.body["control"][0]["port"])
        self.package = console.serve(build_package(path / "IP_MessageServer_8.5.100.01_ENU_linux.tar.gz"))
        console.files["/secret"] = b"the application's secret"
        self.target = self.config.install_root / "ms_primary"

    def payload(self, kind, **arguments):
        return {"job": str(uuid.uuid4()), "kind": kind, "host": HOST, "application": APP,
                "issued_at": time.time(), "arguments": arguments}

    def install_payload(self, **changes):
        return self.payload("install", **{
            "package": self.package, "directory": "", "directory_name": "ms_primary", "taken_directories": [],
            "application_secret_path": "/secret",
            "configuration_server": {"host": "127.0.0.1", "port": self.server.port}, **changes})

    def send(self, payload, *, secret=SECRET, task_id=None):
        self.celery.send_task(RUN_JOB, args=[payload, sign_job(secret, payload)], queue=host_queue(HOST),
                              task_id=task_id or payload["job"])
        return payload["job"]

    def collect(self):
        box = self.connection.SimpleQueue(reports_queue(HOST))
        with contextlib.closing(box), contextlib.suppress(queue.Empty):
            while True:
                message = box.get_nowait()
                report, signature = message.payload[0]
                assert message.headers["task"] == RECORD_REPORT
                assert signature == sign_report(SECRET, report)
                self.reports.append(report)
                message.ack()
        return self.reports

    def reports_of(self, job):
        return [report for report in self.collect() if report.get("job") == job]

    def refused(self):
        """What the host says that it refused."""
        return "\n".join(report["text"] for report in self.collect() if report["kind"] == "refused")

    def said_of(self, job):
        return items_of(self.reports_of(job))

    async def finished(self, job, timeout_s=60.0):
        """The finished report of ``job``; reports must be numbered without gaps, and a number must mean one report
        even when a successor sent it again."""
        def found():
            return [report for report in self.reports_of(job) if report["kind"] == "finished"]

        final = (await until(found, timeout_s, f"job finishes; worker log:\n{self.worker_log()[-3000:]}"))[0]
        numbered = {}
        for report in self.reports_of(job):
            assert numbered.setdefault(report["seq"], report) == report
        assert sorted(numbered) == list(range(1, final["seq"] + 1))
        return final

    def log_of(self, job):
        return "\n".join(line[2] for report in self.said_of(job) if report["kind"] == "log" for line in report["lines"])

    def worker_log(self):
        path = self.config.log_dir / "worker.log"
        return path.read_text() if path.exists() else ""

    async def server_ready(self, times: int = 1) -> None:
        """Until the server has said so: from then on it ends by itself when it is asked to."""
        path = self.config.log_dir / f"{safe_name(APP)}.log"
        await until(lambda: path.exists() and path.read_text().count("ready") >= times, what="a server that is ready")

    @property
    def worker_pid(self):
        return json.loads((self.config.state_dir / "agent-state.json").read_text())["worker"].get("pid", 0)

    def pool_child_of(self, job):
        return json.loads((self.config.jobs_dir / f"{job}.json").read_text())["process"]["pid"]

    async def worker_ready(self, times=1):
        await until(lambda: self.worker_log().count(" ready.") >= times, 60, "the worker is ready")

    def leftovers(self):
        return sorted(path.name for path in self.config.install_root.iterdir() if ".new-" in path.name)


def grant(client, database):
    """The account of the host that uses this database, as the console keeps it."""
    account = broker_access.account(prefix=f"{database}-", host_id=1, host_name=HOST, secret=SECRET, database=database,
                                    known=known_commands(client))
    client.execute_command("ACL", "SETUSER", account.name, *account.rules)
    client.script_load(Lock.LUA_RELEASE_SCRIPT)
    return account


@contextlib.contextmanager
def running_site(path, broker, database):
    """A host with agent and worker, and the console and Configuration Server it knows; in a database of its own, and
    with an account of its own at the broker, which must be enough for all that it does."""
    client, url = broker.client(db=database), f"redis://127.0.0.1:{broker.port}/{database}"
    client.flushdb()
    account = grant(client, database)
    with ConsoleDouble() as console, ConfigurationServerDouble() as server:
        site = Site(path, url, broker_access.with_account(url, account), console, server)
        site.agent.start()
        try:
            wait_for(lambda: " ready." in site.worker_log(), 60, "the worker is ready")
            yield site
        finally:
            server.go_on.set()
            site.agent.end(signal.SIGTERM)
            end_servers(site.config.state_dir)
            site.connection.release()
            site.celery.close()
            denied = [each for each in client.acl_log() if each["username"] == account.name]
            assert not denied, [(each["object"], each["reason"], each["context"]) for each in denied]
