"""Faults on a pair and on the pair that carries the log, while who is told fails, hangs and redirects: every alarm is
delivered, every log record is read once, and what was asked for is told to nobody."""

import itertools
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from tests.provisioning.notifications.receivers import WebReceiver, answering, hanging

from .harness import wait_for
from .ledger import LogLedger
from .pairs import Pair
from .told import Told

pytestmark = pytest.mark.long
SAYS = "Program Says"
RECORDS_PER_S = 20
DELIVERED_S = 150
"""Tries are 0, 10 and 60 s after each other."""


class Turns:
    """What becomes of messages: each is answered by one of these plans, attempt for attempt, and then taken."""

    REFUSALS = {"fails": answering(500, b"No."), "hangs": hanging,
                "redirects": answering(307, Location="/elsewhere")}
    FIRST = (("fails", "hangs"), ("redirects",), ("hangs",))
    THEN = ((), ("fails",), ("redirects",))

    def __init__(self):
        self.taken: set[str] = set()
        self.refused = Counter()
        self._plans = itertools.chain(self.FIRST, itertools.cycle(self.THEN))
        self._left: dict[str, list[str]] = {}

    def __call__(self, request, receiver):
        number = request.headers["webhook-id"]
        if number not in self._left:
            self._left[number] = list(next(self._plans))
        if self._left[number]:
            what = self._left[number].pop(0)
            self.refused[what] += 1
            self.REFUSALS[what](request, receiver)
        else:
            answering(200, b"Thanks.")(request, receiver)
            self.taken.add(number)


def say(run, program):
    """A record that raises an alarm about ``program``, once the pair has it."""
    run.manage("logmsg", "--application", program, "--number", "00-04567", "--level", "alarm", "--timeout", "30",
               f"From {program}.")


@pytest.fixture(scope="module")
def pairs(site):
    """A pair, and another one that carries the log."""
    made = Pair(site, "faulty", small_disk=True), Pair(site, "carries_log")
    apply(site, log={"to": made[1].members[0].name}, alarm_conditions=[
        {"name": SAYS, "category": "minor", "detect_event": "00-04567", "cancel_timeout": 1}])
    for each in made:
        # What audits find on machines of tests is known from here on.
        for question in ("look", "audit"):
            site.pairwise.ask(question, name=each.members[0].name)
    say(site.pairwise, "Judged")
    wait_for(lambda: "Judged" in site.pairwise.manage("alarms", "--json").stdout, 20, "the judgement of all before")
    yield made
    apply(site, log={"to": ""})
    for each in made:
        each.stop()


def apply(site, **document):
    path = site.directory / "told_of_faults.yaml"
    path.write_text(json.dumps(document))
    site.pairwise.manage("apply", str(path), "--yes")


@pytest.fixture
def whole(pairs):
    for each in pairs:
        each.wait_whole()
    yield pairs
    for each in pairs:
        each.mend()


def clear(run, told):
    """Somebody clears what is active, so that what comes next raises alarms of its own."""
    browser = run.browser()
    for key, each in told.raised().items():
        if not each["cleared_at"]:
            browser.post(f"/monitoring/alarms/{key}/clear/", {"reason": "Seen."})


class maintained:
    """In the block there is maintenance of ``pair``, as people say it on the page."""

    ADDRESS = "/monitoring/alarms/maintenance/"

    def __init__(self, run, pair):
        self.browser, self.name = run.browser(), pair.members[0].name

    def __enter__(self):
        ends_at = datetime.now(UTC) + timedelta(days=2)
        self.browser.post(f"{self.ADDRESS}new/", {"kind": "pair", "application": self.name, "reason": "New disks.",
                                                  "ends_at": f"{ends_at:%Y-%m-%dT%H:%M}"})

    def __exit__(self, *_):
        [key] = set(re.findall(rf"{self.ADDRESS}(\d+)/end/", self.browser.get(self.ADDRESS).text))
        self.browser.post(f"{self.ADDRESS}{key}/end/", {})


def test_nobody_is_told_of_a_switchover_a_stop_and_what_a_maintenance_masks(whole):
    pair = whole[0]
    run = pair.site.pairwise
    with WebReceiver(host=pair.site.lan.address) as receiver, Told(run, receiver) as told:
        for each in whole:
            each.switch_over()
            each.wait_whole()
        pair.stop()
        pair.start()
        with maintained(run, pair):
            lost = pair.standby
            lost.kill()
            told.wait_raised("Application Failure", application=lost.name, masked=True)
            pair.wait_whole()
            wait_for(lambda: all(each["cleared_at"] for each in told.raised().values() if each["masked"]), 20,
                     "the end of its alarms")
        # Whatever happened before is judged before it.
        say(run, "Anchor")
        told.wait(SAYS)
        told.wait_all()
    masked = {key for key, each in told.raised().items() if each["masked"]}
    assert [each["application"] for each in told.told().values()] == ["Anchor"]
    assert told.raised().keys() == masked | told.told().keys()


def kill(pair, told, known):
    lost = pair.active
    lost.kill()
    told.wait_raised("Application Failure", known, application=lost.name)
    told.wait_raised("Failover Happened", known)
    pair.wait_whole(by=pair.other(lost))


def freeze(pair, told, known):
    lost = pair.active
    lost.freeze()
    told.wait_raised("Failover Happened", known)
    lost.thaw()
    pair.wait_whole(by=pair.other(lost))


def cut(pair, told, known):
    lost = pair.active
    lost.host.cut()
    told.wait_raised("Failover Happened", known)
    told.wait_raised("Host Unavailable", known, host=lost.host.name)
    lost.host.heal()
    pair.wait_whole(by=pair.other(lost))


def fill_disk(pair, told, known):
    lost = pair.active
    with pair.ledger(size=4000, rate=200) as ledger:
        lost.fill_disk()
        told.wait_raised("Service Unavailable", known, application=lost.name)
        ledger.wait_acknowledged(50)
        lost.empty_disk()
        pair.wait_whole(by=pair.other(lost))


def freeze_log(pair, told, known):
    lost = pair.active
    lost.freeze()
    say(pair.site.pairwise, "During")
    told.wait_raised(SAYS, known, application="During")
    lost.thaw()
    pair.wait_whole(by=pair.other(lost))


def test_every_alarm_of_faults_is_delivered_and_every_log_record_is_read_once(whole):
    pair, log = whole
    run, turns = pair.site.pairwise, Turns()
    with (WebReceiver(turns, host=pair.site.lan.address) as receiver, Told(run, receiver, taken=turns.taken) as told,
          LogLedger(log.addresses, rate=RECORDS_PER_S) as program):
        say(run, "Before")
        for fault, whose in ((kill, pair), (freeze, pair), (freeze_log, log), (cut, pair), (fill_disk, pair)):
            clear(run, told)
            fault(whose, told, told.raised().keys())
        log.wait_whole()
        say(run, "After")
        told.wait_raised(SAYS, application="After")
        program.check_log(run)
        told.wait_all(DELIVERED_S)
    assert {each["application"] for each in told.told().values() if each["condition"] == SAYS} == {
        "Before", "During", "After"}
    assert min(turns.refused[what] for what in Turns.REFUSALS) > 0
    assert {path for path, _, _ in receiver.got} == {"/hook?a=b"}
    assert_one_message_for_each(told)


def assert_one_message_for_each(told):
    """Whatever had to be said several times was said by the same number, and in the same words."""
    numbers = defaultdict(set)
    for number, attempts in told.messages().items():
        assert all(each == attempts[0] for each in attempts)
        for alarm in attempts[0]["data"]["alarms"]:
            numbers[attempts[0]["type"], alarm["id"]].add(number)
    assert {len(each) for each in numbers.values()} == {1}
