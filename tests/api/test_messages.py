"""What a Message Server has stored and who is connected there, by the API. Its services are held by the tests of the
pages and of the line to a real server."""

import base64

import pytest

from provisioning.messages.facts import NotRead
from provisioning.models import HistoryEntry
from tests.factories import make_application
from tests.provisioning.messages.conftest import connection, member, message

__all__ = ["member"]
pytestmark = pytest.mark.django_db
AT = "/applications/MS_Backup"


def test_messages_are_read_in_parts_and_that_they_were_is_in_history(operator, pair, member):
    member.said["messages"] = {"looked_to": 4, "last_seq": 9, "messages": [
        message(9, headers="type:alarm\ntype:older\n", body=b"new"), message(4, body=b"\xff")]}
    part = operator.get(f"{AT}/messages?of=/topic/*&header=type:alarm&before=10&limit=2").json()
    [(about, asked)] = member.asked
    assert (about, asked) == ("messages", {"of": "/topic/*", "name": "type", "value": "alarm", "before": "10",
                                           "most": "2"})
    first, second = part["items"]
    assert (first["seq"], first["headers"], first["beginning"], part["next"]) == (9, {"type": "alarm"}, "new", "4")
    assert (second["is_text"], second["beginning"]) == (False, "ff")
    assert HistoryEntry.objects.filter(reason="Read stored messages.", user_name="otto").count() == 1


@pytest.mark.parametrize(("query", "field"), [
    ("of=topic", "of"), ("of=/topic/%00", "of"), ("header=type", "header"), ("limit=51", "limit"),
    ("since=0001-01-01T00:00:00", "since"), ("until=9999-12-31T23:59:59Z", "until"),
    ("since=2026-11-30T12:00:00Z&until=2026-11-30T11:00:00Z", "until"),
    ("time=hour&since=2026-11-30T12:00:00Z", "since")])
def test_what_nobody_can_look_for_is_refused_by_its_name(operator, pair, member, query, field):
    refused = operator.get(f"{AT}/messages?{query}")
    assert (refused.status_code, refused.json()["refusals"][0]["field"]) == (422, field)
    assert member.asked == []


def test_a_time_without_a_zone_is_of_the_console_and_a_time_may_be_named(operator, pair, member, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    assert operator.get(f"{AT}/messages?since=2026-11-30T12:00:00").status_code == 200
    assert operator.get(f"{AT}/messages?since=2026-11-30T12:00:00%2B09:00").status_code == 200
    assert operator.get(f"{AT}/messages?time=hour").status_code == 200
    (_, naive), (_, aware), (_, hour) = member.asked
    assert naive["since"] == aware["since"] == "1796007600000"
    assert int(hour["since"]) > 0


def test_one_message_comes_with_its_body_and_the_body_by_itself(operator, pair, member):
    member.said["messages"] = {"messages": [message(7, body=b"\xff\x00")]}
    member.bodies[7] = b"\xff\x00"
    said = operator.get(f"{AT}/messages/7").json()
    assert (base64.b64decode(said["body"]), said["is_cut"]) == (b"\xff\x00", False)
    answer = operator.get(f"{AT}/messages/7/body")
    member.said["messages"] = {"messages": []}
    assert operator.get(f"{AT}/messages/7").status_code == 404
    assert (answer.content, answer["Content-Type"], answer["Cache-Control"]) == (
        b"\xff\x00", "application/octet-stream", "no-store")


def test_when_nobody_answers_the_sentence_of_the_page_comes_as_a_problem(support, pair, member):
    member.trouble = NotRead("Nobody takes clients now.", "The page of the pair says what is going on.", passes=True)
    answer = support.get(f"{AT}/connections")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["detail"] == "Nobody takes clients now. The page of the pair says what is going on."


def test_an_application_that_is_no_message_server_has_no_messages(support):
    make_application("CS", type="Configuration Server")
    answer = support.get("/applications/CS/connections")
    assert (answer.status_code, "has no messages" in answer.json()["detail"]) == (404, True)


def test_a_test_message_is_published_or_only_tried(admin, pair, member):
    sent = {"destination": "/topic/test", "headers": {"type": "test"}, "body": "hello"}
    assert admin("POST", f"{AT}/messages?dry_run=true", sent).status_code == 200
    assert member.told == []
    made = admin("POST", f"{AT}/messages", sent)
    assert (made.status_code, made.json()) == (201, {"destination": "/topic/test", "seq": 121})
    assert made["Location"] == f"/api/v1/applications/{pair[0].pk}/messages/121"
    assert member.told == [("/topic/test", {"type": "test"}, "hello")]
    refused = admin("POST", f"{AT}/messages", {**sent, "headers": {"receipt": "1"}})
    assert (refused.status_code, refused.json()["refusals"][0]["field"]) == (422, "headers")


@pytest.mark.parametrize("said", ["", "x", "9" * 5000])
def test_a_server_that_gives_no_seq_has_stored_the_message_all_the_same(admin, pair, member, monkeypatch, said):
    async def tell(destination, headers, body=""):
        return {"seq": said}

    monkeypatch.setattr(member, "tell", tell)
    made = admin("POST", f"{AT}/messages", {"destination": "/topic/test"})
    assert (made.status_code, made.json()["seq"]) == (201, 0)


def test_connections_are_told_of_and_cut(operator, pair, member):
    member.said["connections"] = {"total": 1, "connections": [connection("3-7", unread_bytes=70_000)]}
    [row] = operator.get(f"{AT}/connections").json()["items"]
    assert (row["login"], row["slow"]) == ("anna", "It leaves 70,000 bytes unread.")
    assert operator("POST", f"{AT}/connections/3-7/cut?dry_run=true").status_code == 200
    assert member.told == []
    assert operator("POST", f"{AT}/connections/3-7/cut").status_code == 204
    assert member.told[0][:1] == ("/server/connections/cut",)
    assert operator("POST", f"{AT}/connections/9-9/cut").status_code == 409
    assert operator("POST", f"{AT}/connections/9-9/cut?dry_run=true").status_code == 404


def test_positions_are_moved_and_deleted_by_name(operator, pair, member):
    member.said["positions"] = {"positions": [{"name": "a/b", "destination": "/topic/a", "seq": 20, "open": 2}]}
    [row] = operator.get(f"{AT}/positions").json()["items"]
    assert (row["name"], row["behind"]) == ("a/b", 100)
    assert operator("POST", f"{AT}/positions/move", {"name": "a/b", "seq": 4}).status_code == 204
    assert operator("POST", f"{AT}/positions/delete", {"name": "a/b"}).status_code == 204
    assert [(to, headers) for to, headers, _ in member.told] == [
        ("/server/positions/a/b", {"seq": "4"}), ("/server/positions/a/b", {"delete": "true"})]


def test_destinations_come_by_name(operator, pair, member):
    member.said["destinations"] = {"more": True, "destinations": [
        {"destination": "/topic/a", "first_seq": 1, "last_seq": 5, "last_time": 1_800_000_000_000}]}
    part = operator.get(f"{AT}/destinations?prefix=/topic/&after=/topic/").json()
    assert (part["items"][0]["last"], part["next"]) == (5, "/topic/a")
