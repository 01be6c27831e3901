"""The audit of a real pair: nothing on one made by following the guide; one that is broken in one way shows that, and
nothing else, and nothing again once it is put right."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from tests.certificates import Certificates
from tests.ports import free_port

from .applications import LOG_ON_AS
from .harness import wait_for
from .hosts import cut_between, heal_between
from .pairs import Pair

ROOM_MB, SMALL_MB, AS_BEFORE_MB = 4096, 60, 64
SOON_S = 20.0
P, B = "audited_A", "audited_B"
TAKES = "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); print(1, flush=True); sys.stdin.read()"
AS_NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps",
             "+dac_override,+dac_read_search", "--ambient-caps", "+dac_override,+dac_read_search")
"""Another account that may open the directories of the test run all the same."""
AS_ROOT = "A67"
"""All servers of these hosts run as root."""


class Audited:
    """A pair whose hosts know each other's names and have room, and what the audit says of it."""

    def __init__(self, site):
        self.site = site
        self.hosts_file = site.directory / "audited-hosts"
        self.name_hosts()
        for host in site.hosts.values():
            self.on(host, "mount", "--bind", str(self.hosts_file), "/etc/hosts")
            self.resize(host, ROOM_MB)
        self.certificates = Certificates(site.directory / "audited-authority")
        self.certificate, key = self.certificates.issue(*(host.address for host in site.hosts.values()))
        self.secured = {"id": "secured", "port": free_port(), "protocol": "stomp", "listening_mode": "secured",
                        "transport_parameters": f"certificate={self.certificate};certificate-key={key}"}
        extra = {"id": "extra", "port": free_port(), "protocol": "stomp"}
        # No client of its own: passcodes in the plain are a finding.
        # Nobody collects logs here: an output network would be a finding, too.
        options = {"clients": {}, "log": {"verbose": "trace", "all": "stdout"}}
        self.pair = Pair(site, "audited", small_disk=True, options=options, more_ports=(self.secured, extra))
        self.primary, self.backup = self.pair.members
        self.files = self.backup.files
        self.ports = self.pair.placed(self.backup)["ports"]

    def on(self, host, *command):
        done = host.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def name_hosts(self, **addresses):
        # In place: what is mounted is this file, not its name.
        self.hosts_file.write_text("127.0.0.1 localhost\n" + "".join(
            f"{addresses.get(host.name, host.address)} {host.name}\n" for host in self.site.hosts.values()))

    def resize(self, host, megabytes):
        self.on(host, "mount", "-o", f"remount,size={megabytes}m", str(host.disk))

    # --- what is asked

    def ask(self, question, name=P, **arguments):
        return self.site.pairwise.ask(question, name=name, **arguments)

    def apply(self, name, **fields):
        self.pair._apply([{"name": name, **fields}])

    def found(self, expected, look=True, *, whole=False):
        """The audit once its findings are exactly these (code, member), and, ``whole``, all is known; its last word in
        the AssertionError."""
        last = {}

        def is_so():
            last.update(self.ask("audit"))
            last["findings"] = [each for each in last["findings"] if each["code"] != AS_ROOT]
            return ({(each["code"], *each["about"][:1]) for each in last["findings"]} == expected
                    and not (whole and last["unknown"]))

        if look:
            self.ask("look")
        try:
            wait_for(is_so, SOON_S, f"exactly {expected}", every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return last

    def clean(self, look=True):
        found = self.found(set(), look, whole=True)
        assert (found["unknown"], found["verdict"]) == ([], "ready"), found

    def stop(self):
        self.backup.stop()
        self.backup.wait("Stopped")

    def start(self):
        self.backup.start()
        self.pair.wait_whole()

    def fix(self, found):
        """Put the first finding right as the Audit page does, and wait for its job."""
        answer = self.ask("fix", id=found["findings"][0]["id"])
        assert answer["ok"], answer
        if job := answer["facts"]["job"]:
            ended = self.site.wait_job(job)
            assert ended["state"] == "succeeded", ended

    @contextlib.contextmanager
    def by_hand(self, *account):
        """The backup, started with its start file in a shell."""
        self.stop()
        inside = self.backup.facts()["working_directory"]
        shell = subprocess.Popen([*self.backup.host.everything, *account, "sh", "-c",
                                  'cd "$0" && exec ./run.sh', inside], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.backup.wait("Started")
            self.pair.wait_whole()
            yield
        finally:
            if shell.poll() is None:
                self.stop()
            shell.wait(SOON_S)
            self.backup.start_again()


@pytest.fixture(scope="module")
def audited(site):
    made = Audited(site)
    made.ask("look")
    yield made
    made.pair.stop()
    for host in site.hosts.values():
        made.on(host, "umount", "/etc/hosts")
        made.resize(host, AS_BEFORE_MB)


@pytest.fixture(autouse=True)
def whole(audited):
    yield
    audited.pair.mend()


def test_a_pair_made_by_following_the_guide_has_nothing(audited):
    audited.clean()


CONFIGURED = {
    "another name after -app": ({"command_line_arguments": "-host {host} -port {port} -app audited"}, {("A31", B)}),
    "another Configuration Server": ({"command_line_arguments": "-host elsewhere -port 1 -app audited_B"},
                                     {("A32", B)}),
    "arguments that are not there": ({"command_line_arguments": ""}, {("A30", B)}),
    "Auto-Restart off": ({"auto_restart": False}, {("A27", B)}),
    "an option of one side": ({"options": {"log": {"verbose": "standard"}}}, {("A20", P)}),
    "another Startup Timeout": ({"startup_timeout": 45}, {("A40", P)}),
    "disabled": ({"enabled": False}, {("A07", B)}),
}


@pytest.mark.parametrize("what", CONFIGURED)
def test_what_is_configured_wrong_is_named_and_fixed(audited, what):
    fields, expected = CONFIGURED[what]
    server = audited.site.pairwise
    audited.apply(B, **{name: value.format(host=server.host, port=server.control_port) if isinstance(value, str) else
                        value for name, value in fields.items()})
    audited.fix(audited.found(expected, look=False))
    audited.clean(look=False)


@contextlib.contextmanager
def stopped_process(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stored(audited, name, before, **fields):
    """Fields as no page would save them, and ``before`` again afterwards."""
    audited.ask("store", name=name, **fields)
    try:
        yield
    finally:
        audited.ask("store", name=name, **dict.fromkeys(fields, before))


@contextlib.contextmanager
def applied(audited, before, **fields):
    """Fields of the backup, and ``before`` again afterwards."""
    audited.apply(B, **fields)
    try:
        yield
    finally:
        audited.apply(B, **dict.fromkeys(fields, before))


@contextlib.contextmanager
def renamed(path):
    away = path.with_name("away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


@pytest.mark.long
def test_a_redundancy_type_that_was_lost_is_named(audited):
    with stored(audited, P, "warm standby", redundancy_type="not specified"):
        audited.found({("A02", P)}, look=False)
    audited.clean(look=False)


@pytest.mark.long
def test_servers_that_run_as_root_are_named(audited):
    found = audited.ask("audit")["findings"]
    assert {(each["code"], *each["about"]) for each in found} == {(AS_ROOT, P), (AS_ROOT, B)}
    assert audited.ask("audit")["verdict"] == "ready"


@pytest.mark.long
def test_a_port_id_that_only_one_has_is_named_and_fixed(audited):
    with applied(audited, audited.ports, ports=audited.ports[:-1]):
        audited.fix(audited.found({("A13", P)}, look=False))
        audited.clean(look=False)


@pytest.mark.long
def test_failover_that_is_paused_is_named_and_fixed(audited):
    assert audited.ask("pause", reason="Work on the network")["ok"]
    audited.fix(audited.found({("A57", P)}, look=False))
    audited.clean(look=False)


@pytest.mark.long
def test_another_log_on_account_is_named_with_what_it_may_not_open(audited):
    with stored(audited, B, LOG_ON_AS, log_on_as="nobody"):
        audited.found({("A24", P), ("A25", B), ("A28", B)})
    audited.clean()


@pytest.mark.parametrize("content", ["#!/bin/sh\nexec ./MessageServer -host 127.0.0.1 -port 1 -app audited\n", None])
@pytest.mark.long
def test_a_start_file_that_is_wrong_or_gone_is_named_and_fixed(audited, content):
    run_sh = audited.files / "run.sh"
    if content is None:
        run_sh.unlink()
    else:
        run_sh.write_text(content)
    audited.fix(audited.found({("A33", B)}))
    audited.clean()


@pytest.mark.long
def test_a_directory_that_was_moved_away_is_named(audited):
    with renamed(audited.files):
        audited.found({("A28", B)})
    audited.clean()


@pytest.mark.long
def test_a_program_that_is_not_executable_is_named(audited):
    program = audited.files / "MessageServer"
    program.chmod(0o644)
    try:
        audited.found({("A29", B)})
    finally:
        program.chmod(0o755)
    audited.clean()


def test_a_file_that_was_changed_after_the_installation_is_named_and_fixed(audited):
    with open(audited.files / "read_me.html", "a") as file:
        file.write("<!-- changed -->\n")
    found = audited.found({("A55", B)})
    assert "read_me.html" in found["findings"][0]["sentence"]
    audited.fix(found)
    audited.clean()


@pytest.mark.long
def test_a_disk_that_is_nearly_full_is_named(audited):
    audited.resize(audited.backup.host, SMALL_MB)
    try:
        audited.found({("A56", B)})
    finally:
        audited.resize(audited.backup.host, ROOM_MB)
    audited.clean()


@pytest.mark.long
def test_a_name_that_leads_elsewhere_is_named_on_both_hosts(audited):
    audited.name_hosts(beta="192.0.2.99")
    try:
        audited.found({("A37", P), ("A37", B)})
    finally:
        audited.name_hosts()
    audited.clean()


def test_a_port_that_another_program_has_is_named(audited):
    """Changed while the server runs: it goes on with the number that it has, and could not take the new one."""
    number = free_port()
    with subprocess.Popen([*audited.backup.host.everything, sys.executable, "-c", TAKES, str(number)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with applied(audited, audited.ports, ports=[audited.ports[0] | {"port": number}, *audited.ports[1:]]):
            found = audited.found({("A51", B), ("A52", B)})
            assert any("python" in each["sentence"] for each in found["findings"])
        other.stdin.close()
    audited.clean()


@pytest.mark.long
def test_a_certificate_that_has_expired_is_named(audited):
    good, expired = audited.certificate.read_bytes(), audited.certificates.issue("localhost", days=-1)[0].read_bytes()
    key = audited.certificate.with_suffix(".key")
    good_key = key.read_bytes()
    audited.stop()
    audited.certificate.write_bytes(expired)
    key.write_bytes((audited.certificates.authority.parent / "2.key").read_bytes())
    try:
        audited.start()
        audited.found({("A17", B)}, look=False)
        audited.stop()
    finally:
        audited.certificate.write_bytes(good)
        key.write_bytes(good_key)
        audited.backup.start_again()
    audited.pair.wait_whole()
    audited.clean()


@pytest.mark.long
def test_a_server_that_was_stopped_is_named_and_started(audited):
    audited.stop()
    audited.fix(audited.found({("A38", B)}))
    audited.pair.wait_whole()
    audited.clean()


@pytest.mark.long
def test_a_server_that_another_account_started_by_hand_is_named_and_restarted(audited):
    with audited.by_hand(*AS_NOBODY):
        audited.fix(audited.found({("A25", B), ("A46", B)}))
        audited.pair.wait_whole()
        audited.clean()


@pytest.mark.long
def test_an_agent_that_does_not_answer_makes_its_rules_not_known(audited):
    with stopped_process(audited.backup.host.agent_pid()):
        found = audited.found({("A36", B)}, look=False)
        unknown = {code for each in found["unknown"] for code in each["codes"]}
        assert unknown >= {"A28", "A29", "A33", "A37", "A45", "A52", "A54", "A55"}
        assert found["verdict"] == "broken"
        assert audited.ask("look")["refused"]
    audited.site.wait_host(audited.backup.host.name)
    audited.clean()


@pytest.mark.long
def test_a_standby_that_is_cut_off_from_its_primary_is_named(audited):
    cut_between(audited.primary.host, audited.backup.host)
    try:
        audited.found({("A47", P)}, look=False)
    finally:
        heal_between(audited.primary.host, audited.backup.host)
    audited.pair.wait_whole()
    audited.clean()


@pytest.mark.long
def test_without_control_it_is_named_and_what_runs_is_not_known(audited):
    with audited.site.pairwise.frozen_child("control"):
        found = audited.found({("A58", P)}, look=False)
        assert {code for each in found["unknown"] for code in each["codes"]} >= {"A36", "A38", "A47"}
    audited.pair.wait_whole()
    audited.clean()
