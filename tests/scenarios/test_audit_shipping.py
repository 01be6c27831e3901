"""History arrives at a real rsyslog that is configured as docs/integrations/rsyslog.md says: all of it and in order,
whoever is killed or away meanwhile."""

import json
import re
import shutil
import signal
import subprocess
from itertools import pairwise as neighbours

import pytest

from tests.certificates import Certificates
from tests.ports import free_port

from .harness import ROOT, wait_for

RSYSLOG = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
GUIDE = ROOT / "docs/integrations/rsyslog.md"
ENTRY = re.compile(r'number="([0-9]+)" .*?digest="([0-9a-f]{64})"')

pytestmark = [pytest.mark.long, pytest.mark.skipif(not RSYSLOG, reason="there is no rsyslogd")]


class Rsyslog:
    """As the guide configures it, on loopback and with files of ``directory``."""

    def __init__(self, directory):
        self._directory, self.port, self.file = directory, free_port(), directory / "pairwise-audit.log"
        self.certificates = Certificates(directory / "authority")
        certificate, key = self.certificates.issue("localhost", "127.0.0.1")
        text = GUIDE.read_text().split("```")[1].strip()
        for said, here in (
                ("/etc/rsyslog-tls/ca.pem", self.certificates.authority), ("/etc/rsyslog-tls/server.pem", certificate),
                ("/etc/rsyslog-tls/server.key", key), ("/var/log/pairwise-audit.log", self.file),
                ('port="6514"', f'port="{self.port}" address="127.0.0.1"')):
            assert said in text
            text = text.replace(said, str(here))
        (directory / "rsyslog.conf").write_text(f"{text}\n")
        self.process = None

    def start(self):
        with open(self._directory / "rsyslog.log", "ab") as log:
            self.process = subprocess.Popen(
                [RSYSLOG, "-n", "-f", self._directory / "rsyslog.conf", "-i", self._directory / "rsyslog.pid"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(20)

    def entries(self):
        """(number, digest) of each that came, in order."""
        text = self.file.read_text() if self.file.exists() else ""
        return [(int(number), digest) for number, digest in ENTRY.findall(text)]


@pytest.fixture
def rsyslog(tmp_path):
    (tmp_path / "rsyslog").mkdir()
    one = Rsyslog(tmp_path / "rsyslog").start()
    yield one
    if one.process.poll() is None:
        one.end()


def happen(pairwise, *names):
    """An entry of History for each of ``names``."""
    path = pairwise.data_dir.parent / "more.json"
    path.write_text(json.dumps({"channels": [
        {"name": name, "kind": "mail", "to": ["a@example.com"]} for name in names]}))
    pairwise.manage("apply", str(path), "--yes")


def newest(pairwise):
    """(number, digest) of the last entry."""
    line = json.loads(pairwise.manage("history", "--json", "--limit", "1").stdout)
    return line["number"], line["digest"]


def test_each_entry_arrives_in_order_in_spite_of_kills_and_its_digest_proves_history(make_pairwise, rsyslog):
    pairwise = make_pairwise(PAIRWISE_WEBHOOK_LOOPBACK="1").start()
    certificate, key = rsyslog.certificates.issue("console")
    target = pairwise.data_dir.parent / "targets.json"
    target.write_text(json.dumps({"audit_targets": [{
        "name": "central syslog", "address": f"syslog+tls://localhost:{rsyslog.port}",
        "ca": rsyslog.certificates.authority.read_text(), "certificate": certificate.read_text(),
        "key": key.read_text()}]}))
    pairwise.manage("apply", str(target), "--yes")
    wait_for(lambda: newest(pairwise) in rsyslog.entries(), 40, "the entries so far", every=0.5)
    # Away, with its memory, and back.
    rsyslog.end(signal.SIGKILL)
    happen(pairwise, *(f"Away {number}" for number in range(30)))
    rsyslog.start()
    wait_for(lambda: newest(pairwise) in rsyslog.entries(), 60, "what happened while it was away", every=0.5)
    # Whoever sends is killed in the middle.
    happen(pairwise, *(f"Killed {number}" for number in range(30)))
    pairwise.kill_child("log-reader")
    happen(pairwise, "After it")
    last = newest(pairwise)
    wait_for(lambda: last in rsyslog.entries(), 60, "what happened around the kill", every=0.5)
    numbers = [number for number, _ in rsyslog.entries()]
    first = [numbers.index(number) for number in range(1, last[0] + 1)]
    assert all(one < other for one, other in neighbours(first))
    assert "History is whole" in pairwise.manage("verify_history", "--expect", f"{last[0]}:{last[1]}").stdout
