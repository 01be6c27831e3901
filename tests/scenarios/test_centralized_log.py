"""Log records through a failover: what the pair has acknowledged is in the console's log, each record once."""

import itertools
import json
import os
import signal
import threading
from collections import Counter

import pytest

from tests.doubles.stomp import Client
from tests.ports import free_port

from .applications import installed
from .harness import wait_for


class Publishers:
    """``manage.py logmsg`` one after the other, by several people at once. ``acknowledged``: the texts of those that
    ended with 0."""

    def __init__(self, pairwise, count=3):
        self.pairwise, self.acknowledged, self.sent = pairwise, [], itertools.count()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._publish, args=(number,)) for number in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _publish(self, number):
        for each in itertools.count():
            if self._over.is_set():
                return
            text = f"scenario {number}-{each}"
            done = self.pairwise.command_line(
                "logmsg", "--application", f"Publisher_{number}", "--number", "00-04504", "--level", "standard",
                "--timeout", "20", text, check=False)
            if done.returncode == 0:
                self.acknowledged.append(text)

    def wait_more(self, count):
        goal = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= goal, 60, f"{count} more acknowledged records")


def collected(pairwise) -> Counter:
    """{text: how many records have it} in the console's log."""
    done = pairwise.command_line("logs", "--text", "scenario ", "--limit", "10000", "--json")
    return Counter(json.loads(line)["text"] for line in done.stdout.splitlines())


def wait_collected(pairwise, texts):
    wait_for(lambda: set(texts) <= collected(pairwise).keys(), 30, "all acknowledged records in the log", every=0.5)


@pytest.mark.long
def test_records_published_before_during_and_after_a_failover_are_collected_each_once(pair):
    pairwise = pair.site.pairwise
    pairwise.command_line("apply", str(_file(pair)), "--yes")
    first = pair.active
    with Publishers(pairwise) as publishers:
        publishers.wait_more(6)
        first.kill()
        publishers.wait_more(6)
        # The reader is killed with records under way: they come again, and are there once all the same.
        os.kill(pairwise.child("log-reader"), signal.SIGKILL)
        publishers.wait_more(6)
    wait_collected(pairwise, publishers.acknowledged)
    assert set(collected(pairwise).values()) == {1}
    assert pair.active is pair.other(first)


def _file(pair):
    path = pair.site.directory / "log_to.yaml"
    path.write_text(f"log: {{to: {pair.members[0].name}}}\n")
    return path


def test_what_programs_people_servers_and_agents_do_is_in_the_log(pairwise, tmp_path):
    """The server that takes the log has no client configured: the console's own logins are made of its secret. It
    publishes its own traces, too, and its events once, though they come by its timeline as well."""
    port = free_port()
    installed(pairwise, "TakesTheLog", ports=[{"id": "default", "port": port, "protocol": "stomp"}], options={
        "log": {"verbose": "trace", "all": "network"}, "clients": {"bench": "benchpass"}})
    pairwise.manage("start", "TakesTheLog", "--wait")
    path = tmp_path / "log_to.yaml"
    path.write_text("log: {to: TakesTheLog}\n")
    pairwise.manage("apply", str(path), "--yes")
    pairwise.manage("logmsg", "--application", "Nightly", "--number", "00-04504", "--level", "alarm", "No backup: Ä")

    def records(**wanted):
        lines = pairwise.manage("logs", "--limit", "1000", "--json").stdout.splitlines()
        return [each for each in map(json.loads, lines) if all(each[name] == value for name, value in wanted.items())]

    [said] = wait_for(lambda: records(application="Nightly"), 10, "what the program said")
    assert {said["level"], said["number"], said["text"]} == {"alarm", "00-04504", "No backup: Ä"}
    wait_for(lambda: records(application="TakesTheLog", number="42-20001"), 20, "the server knows where to publish")
    with Client(port) as client:
        client.publish("/log/standard", b"x", event="00-05061", application="TakesTheLog", receipt="1")
        client.expect("RECEIPT")
        wait_for(lambda: records(application="TakesTheLog", level="trace", number="00-04520"), 20, "its traces")
    # A client says nothing in the name of a server.
    wait_for(lambda: records(application="bench", text="x"), 10, "what the client said")
    pairwise.manage("stop", "TakesTheLog", "--wait")
    pairwise.manage("start", "TakesTheLog", "--wait")
    wait_for(lambda: records(application="TakesTheLog", number="00-05060"), 20, "events of the server")
    wait_for(lambda: records(application="LCA", level="trace"), 20, "what the agent does")
    # The end of the installation may be written after the choice, and is then published as well.
    wait_for(lambda: [each for each in records(category="audit") if "Log to: none → TakesTheLog." in each["text"]], 20,
             "what somebody did")
    told = Counter((each["number"], each["at"], each["text"]) for each in records(application="TakesTheLog"))
    assert set(told.values()) == {1}
