"""The pages of messages: who sees what, what is said when nothing can be read, and what is done."""

from datetime import timedelta

import pytest
from django.urls import reverse

from provisioning.errors import NotAllowed, Refused, Unanswered
from provisioning.messages.facts import NotRead
from provisioning.messages.selectors import asked
from provisioning.messages.services import orders
from provisioning.models import HistoryEntry
from tests import factories
from tests.provisioning.pairs.pages import text_of

from .conftest import connection, message

pytestmark = pytest.mark.django_db


def at(row, name: str = "pair-messages", *more, **query) -> str:
    return reverse(name, args=[row.pk, *more], query=query or None)


def reasons() -> list[str]:
    return list(HistoryEntry.objects.order_by("-number").values_list("reason", flat=True))


def test_the_newest_messages_are_listed_with_what_they_begin_with(pair, member, operator):
    member.said["messages"] = {"looked_to": 0, "last_seq": 9, "messages": [
        message(9, body=b"<b>new</b>"), message(4, body=b"\xff\xfe"), message(2, body=b"")]}
    answer = operator.get(at(pair[0]))
    text = text_of(answer)
    assert all(words in text for words in ("/topic/orders", "Binary: ff fe", "Empty", "3 messages of MS_Primary"))
    assert b"<b>new" not in answer.content
    assert b"&lt;b&gt;new" in answer.content
    assert b"data-poll" in answer.content


def test_what_is_looked_for_is_asked_of_the_server(pair, member, operator):
    operator.get(at(pair[0], of="/topic/a.*", header="type: alarm", before="17", since="2026-11-30T08:00"))
    [(about, headers)] = member.asked
    assert about == "messages"
    assert headers.pop("since").endswith("000")
    assert headers == {"of": "/topic/a.*", "before": "17", "name": "type", "value": "alarm", "most": "50"}


@pytest.mark.parametrize(("query", "words"), [
    ({"of": "topic"}, "A destination begins with /"), ({"header": "x"}, "Write a header as its sender gave it")])
def test_a_filter_that_makes_no_sense_is_said_and_does_not_count(pair, member, operator, query, words):
    assert words in text_of(operator.get(at(pair[0], **query)))
    assert member.asked == [("messages", {"of": "/*", "most": "50"})]


def test_a_look_that_was_not_finished_goes_on_where_it_ended(pair, member, operator):
    member.said["messages"] = {"looked_to": 500, "last_seq": 900, "messages": []}
    answer = operator.get(at(pair[0], of="/topic/rare"))
    assert "Searched back to seq 500; nothing found so far." in text_of(answer)
    assert b"before=500" in answer.content


def test_the_backup_leads_to_the_same_messages(pair, member, operator):
    assert "Messages of MS_Primary ⇄ MS_Backup" in text_of(operator.get(at(pair[1])))


def test_what_is_no_message_server_has_no_messages(db, administrator):
    row = factories.make_application("Other", template=factories.make_template("Kept", type="ThirdPartyServer"))
    assert administrator.get(at(row)).status_code == 404


@pytest.mark.parametrize("name", ["pair-messages", "pair-connections", "pair-destinations", "pair-positions"])
def test_why_nothing_can_be_read_is_said_with_what_to_do(pair, member, operator, name):
    member.trouble = NotRead("Nobody takes clients now.", "The page of the pair says what is going on.", passes=True)
    text = text_of(operator.get(at(pair[0], name)))
    assert "Nobody takes clients now. The page of the pair says what is going on." in text
    assert "Try again" in text


def test_a_server_that_does_not_know_a_question_is_not_asked_again_by_itself(pair, member, operator):
    answer = operator.get(at(pair[0], "pair-positions"))
    assert "does not know /server/positions" in text_of(answer)
    assert b"data-poll" not in answer.content


# --- reading


def test_that_somebody_read_messages_is_in_history_once_an_hour(pair, member, operator, monkeypatch):
    for _ in range(2):
        operator.get(at(pair[0]))
    assert reasons().count(orders.READ) == 1
    orders.note_reading(actor=factories.ADMINISTRATOR, found=asked.servers(pair[0].pk))
    assert reasons().count(orders.READ) == 2
    monkeypatch.setattr(orders, "READ_AGAIN", timedelta())
    operator.get(at(pair[0]))
    assert reasons().count(orders.READ) == 3


def test_support_sees_connections_and_no_messages(pair, member, support):
    assert support.get(at(pair[0])).status_code == 403
    assert support.get(at(pair[0], "pair-message", 1)).status_code == 403
    assert "Nobody is connected" in text_of(support.get(at(pair[0], "pair-connections")))
    assert reasons().count(orders.READ) == 0


def test_one_message_is_shown_with_its_headers_and_its_body(pair, member, operator):
    member.said["messages"] = {"messages": [message(7, headers="type:alarm\nplace\\cx:1\n", body=b"line 1\nline 2")]}
    member.bodies[7] = b"line 1\nline 2"
    answer = operator.get(at(pair[0], "pair-message", 7))
    text = text_of(answer)
    assert all(words in text for words in ("type", "alarm", "place:x", "13 bytes", "epoch 3"))
    assert b"line 1\nline 2</pre>" in answer.content
    assert member.asked == [("messages", {"of": "/*", "before": "8", "after": "6"})]


def test_what_is_left_out_of_many_headers_is_said(pair, member, operator):
    member.said["messages"] = {"messages": [message(7, headers="type:alarm\n", cut=True)]}
    member.bodies[7] = b"hello"
    assert "It has more, which are not shown." in text_of(operator.get(at(pair[0], "pair-message", 7)))


def test_a_message_that_is_gone_says_so(pair, member, operator):
    assert "Message 7 is not kept any more" in text_of(operator.get(at(pair[0], "pair-message", 7)))


def test_the_whole_body_is_a_file(pair, member, operator):
    member.said["messages"] = {"messages": [message(7, body=b"\x00\x01")]}
    member.bodies[7] = b"\x00\x01"
    answer = operator.get(at(pair[0], "pair-message-body", 7))
    assert (answer.content, answer["Cache-Control"]) == (b"\x00\x01", "no-store")
    assert answer["Content-Disposition"] == 'attachment; filename="MS_Primary-7.bin"'
    assert orders.READ in reasons()


def test_a_body_that_is_too_long_is_no_half_file(pair, member, operator):
    member.said["messages"] = {"messages": [message(7, size=99_000_000)]}
    member.bodies[7] = b"x"
    answer = operator.get(at(pair[0], "pair-message-body", 7), follow=True)
    assert "The body has 99,000,000 bytes" in text_of(answer)


# --- publishing


SENT = {"destination": "/topic/test", "headers": "type: test", "body": "hello"}
TOLD = {**SENT, "headers": {"type": "test"}}


def test_a_test_message_is_published_once_its_destination_was_confirmed(pair, member, administrator):
    first = administrator.post(at(pair[0], "pair-message-publish"), SENT)
    assert "Everybody who is subscribed to /topic/test at MS_Primary ⇄ MS_Backup gets this message" in text_of(first)
    assert member.told == []
    answer = administrator.post(at(pair[0], "pair-message-publish"), {**SENT, "sure": "/topic/test"}, follow=True)
    assert "The message was published to /topic/test; its seq is 121." in text_of(answer)
    assert member.told == [("/topic/test", {"type": "test"}, "hello")]
    assert "Published a test message of 5 bytes to /topic/test (seq 121)." in reasons()
    assert not any("hello" in reason for reason in reasons())


def test_whom_a_test_message_reaches_is_true_of_queues_and_a_pattern_is_no_place_for_one(pair, member, administrator):
    address = at(pair[0], "pair-message-publish")
    asks = administrator.post(address, {**SENT, "destination": "/queue/work"})
    assert "A consumer of /queue/work at MS_Primary ⇄ MS_Backup is given this message" in text_of(asks)
    for of, filled in (("/topic/orders", True), ("/topic/*", False), ("/*", False)):
        page = administrator.get(address, {"of": of}).content.decode()
        assert (f'value="{of}"' in page) == filled


def test_another_destination_than_the_confirmed_one_is_asked_about_again(pair, member, administrator):
    administrator.post(at(pair[0], "pair-message-publish"), {**SENT, "sure": "/topic/other"})
    assert member.told == []


@pytest.mark.parametrize(("change", "words"), [
    ({"destination": "/server/connections/cut"}, "begins with /topic/"), ({"headers": "x"}, "Write a header"),
    ({"headers": "receipt: 1"}, "is set by the console"),
    ({"body": "x" * 70_000}, "The body has 70,000 bytes"), ({"destination": ""}, "A destination begins with")])
def test_what_cannot_be_published_says_why_and_is_not_sent(pair, member, administrator, change, words):
    answer = administrator.post(at(pair[0], "pair-message-publish"), {**SENT, **change})
    assert (answer.status_code, words in text_of(answer), member.told) == (422, True, [])


def test_only_an_administrator_publishes(pair, member):
    with pytest.raises(NotAllowed):
        orders.publish(actor=factories.OPERATOR, application_id=pair[0].pk, **TOLD)


def test_when_nobody_knows_whether_it_was_stored_that_is_said(pair, member):
    member.trouble = NotRead("MS_Primary ended the connection.", "Try again.", is_unsure=True)
    with pytest.raises(Unanswered, match="It is not known whether the message was stored"):
        orders.publish(actor=factories.ADMINISTRATOR, application_id=pair[0].pk, **TOLD)


# --- connections


def test_connections_are_listed_and_slow_ones_marked(pair, member, support):
    member.said["connections"] = {"total": 1500, "connections": [connection(
        unread_bytes=70_000, subscriptions_total=3, subscriptions=[
            {"id": "1", "destination": "/topic/orders", "ack": "client", "unacknowledged": 12, "behind": 4000,
             "live": False}])]}
    answer = support.get(at(pair[0], "pair-connections"))
    text = text_of(answer)
    for words in ("anna", "192.0.2.7:4711", "12 not acknowledged", "and 2 more", "Slow", "4,000",
                  "1,500 connections of MS_Primary; 1,499 with less unread"):
        assert words in text
    assert "Your role does not let you cut connections" in answer.content.decode()


def test_cutting_names_whom_it_hits_and_is_in_history(pair, member, operator):
    member.said["connections"] = {"total": 1, "connections": [connection()]}
    assert "The connection of anna at 192.0.2.7:4711 is ended at once." in text_of(
        operator.get(at(pair[0], "pair-connection-cut", "3-7")))
    answer = operator.post(at(pair[0], "pair-connection-cut", "3-7"), follow=True)
    assert "The connection of anna at 192.0.2.7:4711 was cut." in text_of(answer)
    [(destination, headers, _)] = member.told
    assert (destination, headers["session"], bool(headers["by"])) == ("/server/connections/cut", "3-7", True)
    assert "Cut the connection 3-7 of anna at 192.0.2.7:4711." in reasons()


def test_a_connection_that_has_ended_is_not_cut(pair, member, operator):
    assert "has ended already" in text_of(operator.get(at(pair[0], "pair-connection-cut", "3-7")))
    with pytest.raises(Refused, match="has ended already"):
        orders.cut(actor=factories.OPERATOR, application_id=pair[0].pk, session="3-7")
    assert member.told == []


# --- positions and destinations


@pytest.fixture
def positions(member):
    member.said["positions"] = {"total": 1, "positions": [
        {"name": "billing é", "destination": "/topic/orders", "selector": "", "seq": 40, "open": 3,
         "used_by": "anna"}]}


def test_a_position_is_moved_and_deleted_by_its_name(pair, member, positions, operator):
    text = text_of(operator.get(at(pair[0], "pair-positions")))
    assert "billing é /topic/orders 40 80 3 open anna" in text
    move, delete = (at(pair[0], f"pair-position-{verb}", position="billing é") for verb in ("move", "delete"))
    assert "billing é stands at seq 40 of /topic/orders." in text_of(operator.get(move))
    assert operator.post(move, {"seq": "x"}).status_code == 422
    operator.post(move, {"seq": "12"})
    operator.post(delete)
    assert member.told == [("/server/positions/billing é", {"seq": "12"}, ""),
                           ("/server/positions/billing é", {"delete": "true"}, "")]
    assert {"Moved the named position billing é to seq 12.", "Deleted the named position billing é."} <= {*reasons()}


def test_destinations_lead_to_their_messages_and_on(pair, member, operator):
    member.said["destinations"] = {"more": True, "destinations": [
        {"destination": "/topic/a b", "first_seq": 4, "last_seq": 9, "last_time": 1_800_000_000_000}]}
    answer = operator.get(at(pair[0], "pair-destinations", begins="/topic/"))
    assert b"?of=%2Ftopic%2Fa%20b" in answer.content
    assert b"after=%2Ftopic%2Fa+b" in answer.content
    assert [b'data-label="First seq">4<' in answer.content, b'data-label="Last seq">9<' in answer.content] == [True] * 2
    # No column without a value.
    assert "–" not in answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    assert member.asked == [("destinations", {"prefix": "/topic/", "most": "200"})]


@pytest.mark.parametrize("role", ["operator", "support"])
def test_the_page_of_the_pair_leads_there(pair, control, role, request):
    client = request.getfixturevalue(role)
    body = client.get(reverse("pair-detail", args=[pair[0].pk])).content.decode()
    assert at(pair[0]) in body
    assert at(pair[0], "pair-connections") in body
    assert ("Your role does not let you read stored messages" in body) == (role == "support")
