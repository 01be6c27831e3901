"""``manage.py logs`` prints what was collected; ``manage.py logmsg`` publishes one record."""

import json

import pytest

from protocol import log_logins
from provisioning.errors import Unanswered
from provisioning.logs.services import records
from provisioning.logs.worker.source import Source
from provisioning.models import Console
from tests import commands, factories
from tests.factories import ADMINISTRATOR

from .double import ServerDouble, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
MESSAGE = ("logmsg", "--application", "MS_A", "--number", "00-04504", "--level", "standard", "It is lost.")


def printed(*words):
    code, out, err = commands.run("logs", "--json", *words)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_the_newest_are_printed_oldest_first_one_a_line():
    for number in range(5):
        factories.make_record(at=1_800_000_000_000 + number, seq=number, text=f"Said {number}")
    found = printed("--limit", "2")
    assert [each["text"] for each in found] == ["Said 3", "Said 4"]
    assert found[0]["at"] == "2027-01-15T08:00:00.003Z"
    assert {"at", "level", "number", "category", "application", "host", "text", "seq", "epoch"} <= found[0].keys()


def test_for_people_it_is_a_line():
    factories.make_record(at=1_800_000_000_003, text="It is lost.", level="alarm", application="MS_A", host="alpha")
    _, out, _ = commands.run("logs")
    assert out == "2027-01-15T08:00:00.003Z alarm 00-04504 MS_A@alpha It is lost.\n"


def test_where_there_is_none_it_is_said_and_why():
    assert "Choose one at Monitoring > Centralized Log > Settings" in commands.run("logs")[2]
    Console.this()
    Console.objects.update(log_to=factories.make_application("MS_Log"))
    assert commands.run("logs") == (0, "", "No log record was found.\n")
    assert commands.run("logs", "--json") == (0, "", "")


@pytest.mark.parametrize(("words", "texts"), [
    (("--level", "alarm"), ["one"]), (("--number", "00-05064"), ["two"]), (("--number", "5064"), ["two"]),
    (("--application", "MS_B"), ["two"]), (("--text", "ONE"), ["one"]), (("--host", "beta"), ["two"]),
    (("--since", "2027-01-15T08:00:00.002Z"), ["two"]), (("--until", "2027-01-15T08:00:00.002+00:00"), ["one"]),
    (("--category", "audit"), ["two"]), (("--pair", "MS_A"), ["one"]),
    (("--since", "1h"), ["one", "two"])])
def test_what_is_printed_is_what_was_asked_for(words, texts):
    at = 1_800_000_000_000
    factories.make_record(at=at + 1, text="one", level="alarm", application="MS_A", host="alpha")
    factories.make_record(at=at + 2, text="two", event=5064, application="MS_B", host="beta", category="audit")
    assert [each["text"] for each in printed(*words)] == texts


def test_a_pair_is_both_of_its_members_by_the_name_of_either(pair):
    for name in ("MS_Primary", "MS_Backup", "MS_Other"):
        factories.make_record(text=name, application=name)
    for name in ("MS_Primary", "MS_Backup"):
        assert {each["text"] for each in printed("--pair", name)} == {"MS_Primary", "MS_Backup"}


@pytest.mark.parametrize(("words", "why"), [
    (("--since", "noon"), "is no moment"), (("--until", "9999-01-01T00:00"), "year 9999"),
    (("--limit", "0"), "between"), (("--number", "word"), "no event number"), (("--since", "99999d"), "year"),
    (("--level", "loud"), '--level: "loud" is none of alarm, standard, interaction, trace.'),
    (("--category", "all"), '--category: "all" is none of application, audit.')])
def test_what_cannot_be_asked_for_is_refused_in_words(words, why):
    code, out, err = commands.run("logs", *words)
    assert (code, out, why in err, err.count("\n")) == (2, "", True, 1), err
    code, out, err = commands.run("logs", *words, "--json")
    assert (code, json.loads(out)["refusals"][0]["message"] + "\n", out.count("\n")) == (2, err, 1)


# --- one record


@pytest.fixture
def pair_of(monkeypatch):
    def use(*servers):
        made = Source(1, "x", "MS_Primary", tuple(each.target(log_logins.PROGRAMS) for each in servers))
        monkeypatch.setattr(records, "source", lambda login: made)
    return use


def test_a_record_that_was_acknowledged_is_said_so(pair_of):
    with ServerDouble() as server:
        pair_of(server)
        code, out, err = commands.run(*MESSAGE, "--host", "alpha")
        [(headers, body)] = server.sent.values()
    assert (code, out) == (0, "MS_Primary has acknowledged it.\n"), err
    assert server.logins == ["pairwise.log.publisher.programs"]
    assert (headers["destination"], headers["event"], headers["application"], headers["host"], body) == (
        "/log/standard", "00-04504", "MS_A", "alpha", b"It is lost.")


def test_the_member_that_serves_takes_it(pair_of):
    with ServerDouble("MS_Primary") as standby, ServerDouble("MS_Backup") as active:
        standby.refuses = "This server is the backup now."
        pair_of(standby, active)
        assert "MS_Backup has acknowledged it." in commands.run(*MESSAGE)[1]


def test_a_record_whose_receipt_was_lost_is_sent_again_as_the_same_one(pair_of):
    with ServerDouble() as server:
        server.swallows = 2
        pair_of(server)
        assert commands.run(*MESSAGE)[0] == 0
        assert len(server.sent) == 1


def test_without_a_pair_it_says_what_to_do():
    code, out, err = commands.run(*MESSAGE)
    assert (code, out) == (2, "")
    assert "No pair is chosen to collect logs. Choose one at Monitoring > Centralized Log > Settings." in err


@pytest.mark.parametrize(("words", "why"), [
    (("--level", "loud"), '--level: "loud" is none of alarm, standard, interaction, trace.'),
    (("--number", "word"), '--number: "word" is no event number. Write it as 00-04504 or 4504.'),
    (("--number", "0"), "is no event number"), (("--number", "00-4504"), "is no event number"),
    (("--application", ""), "needs the header application"), (("--timeout", "nan"), "--timeout is nan"),
    (("--timeout", "0"), "--timeout is 0; it must lie between 0 and 3600 s.")])
def test_what_is_no_record_is_refused_in_a_line_also_while_no_pair_is_chosen(words, why):
    code, out, err = commands.run(*MESSAGE[:-1], *words, MESSAGE[-1])
    assert (code, out, why in err, err.count("\n")) == (2, "", True, 1), err


def test_the_number_of_an_event_may_be_typed_without_its_type(pair_of):
    with ServerDouble() as server:
        pair_of(server)
        assert commands.run(*MESSAGE[:-1], "--number", "4504", MESSAGE[-1])[0] == 0
        [(headers, _)] = server.sent.values()
    assert headers["event"] == "00-04504"


def test_nobody_serves(pair_of):
    with ServerDouble() as server:
        server.refuses = "This server is the backup now."
        pair_of(server)
        code, out, err = commands.run(*MESSAGE, "--timeout", "0.3")
    assert (code, out) == (1, "")
    assert "No member of the pair of MS_Primary serves the console now (MS_Primary: This server is the backup" in err


def test_what_the_server_refuses_is_said_in_its_words(pair_of):
    with ServerDouble() as server:
        server.refuses_send = "The header event is missing."
        pair_of(server)
        code, _out, err = commands.run(*MESSAGE)
    assert (code, err) == (2, "The header event is missing.\n")


def test_a_text_that_is_too_long_is_refused_before_it_is_sent(pair_of):
    with ServerDouble() as server:
        pair_of(server)
        code, _, err = commands.run(*MESSAGE[:-1], "x" * 5000)
    assert (code, "4096" in err or "4 KB" in err, server.logins) == (2, True, []), err


def test_a_server_that_is_silent_is_not_waited_for_for_ever(pair_of, closed_port):
    with ServerDouble() as server:
        pair_of(server)
        server.port = closed_port
        pair_of(server)
        with pytest.raises(Unanswered):
            records.publish(actor=ADMINISTRATOR, record=record(1), within_s=0.2)
