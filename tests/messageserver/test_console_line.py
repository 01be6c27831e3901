"""The console as a client of a real Message Server: what it reads and does, and what it says when nobody answers."""

import socket
import threading

import pytest

from provisioning.errors import Refused
from provisioning.messages.facts import NotRead
from provisioning.messages.selectors import asked, line
from provisioning.messages.services import orders
from tests import factories
from tests.doubles.stomp import Client
from tests.ports import free_port

from .conftest import ServerProcess, application
from .control_double import SECRET, ControlDouble

pytestmark = [pytest.mark.django_db, pytest.mark.scenario]


@pytest.fixture
def servers(db, closed_port):
    """``servers(port)``: a pair as the console knows it, with a member at ``port`` and one that does not serve."""
    pair = factories.make_pair()

    def make(port: int, *, secret: str = SECRET) -> asked.Servers:
        for place, (row, number) in enumerate(zip(pair, (port, closed_port), strict=True), 1):
            type(row.host).objects.filter(pk=row.host_id).update(ip_address=f"127.0.0.{place}")
            row.ports.filter(port_id="default").update(port=number)
            row.secret = secret
            row.save()
        return asked.servers(pair[0].pk)

    return make


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    port = free_port()
    with ControlDouble(application(port)) as control, ServerProcess(
            tmp_path_factory.mktemp("server") / "MS", control, port=port) as process:
        yield process.serving()


def test_what_clients_send_is_seen_and_a_client_is_cut(server, servers):
    found = servers(server.port)
    with Client(server.port) as client:
        client.subscribe("/topic/orders", "s")
        seq = client.acked("/topic/orders", b"\xff" * 100_000, type="alarm")
        message = asked.look(found, of="/topic/orders", header=("type", "alarm")).messages[0]
        assert (message.seq, message.size, message.headers, message.beginning.is_text) == (
            seq, 100_000, [("type", "alarm")], False)
        whole = asked.whole(found, seq, longest=500)
        assert (whole.body, whole.message.destination) == (b"\xff" * 500, "/topic/orders")
        assert asked.whole(found, seq, longest=200_000).body == b"\xff" * 100_000
        client.expect("MESSAGE")
        [row] = [each for each in asked.connections(found).rows if not each.own]
        assert (row.login, [each.destination for each in row.subscriptions]) == ("bench", ["/topic/orders"])
        orders.cut(actor=factories.OPERATOR, application_id=found.pk, session=row.session)
        assert "administrator" in client.expect("ERROR").headers["message"]
        with pytest.raises(Refused, match="has ended already"):
            orders.cut(actor=factories.OPERATOR, application_id=found.pk, session=row.session)


def test_a_test_message_is_stored_as_any_other(server, servers):
    found = servers(server.port)
    with Client(server.port) as client:
        client.subscribe("/topic/test", "s")
        seq = orders.publish(actor=factories.ADMINISTRATOR, application_id=found.pk, destination="/topic/test",
                             headers={"place": "Zürich: north"}, body="grüezi")
        got = client.expect("MESSAGE")
        assert (got.headers["seq"], got.headers["place"], got.body.decode()) == (str(seq), "Zürich: north", "grüezi")


def test_what_the_server_refuses_is_said_in_its_words(server, servers):
    with pytest.raises(NotRead, match=r"does not know /server/weather"):
        line.on_line(servers(server.port).members, lambda talk: talk.ask("weather"))


def test_a_message_that_is_not_there_says_so(server, servers):
    with pytest.raises(NotRead, match="Message 999999 is not kept any more"):
        asked.whole(servers(server.port), 999_999, longest=10)


@pytest.mark.parametrize("destination", ["/topic/a.>", "/topic/#", "/queue/ä\n:\u202eb"])
def test_a_message_is_read_wherever_it_was_sent(server, servers, destination):
    with Client(server.port) as client:
        seq = client.acked(destination, b"body")
    whole = asked.whole(servers(server.port), seq, longest=10)
    assert (whole.body, whole.message.destination) == (b"body", destination)


def test_a_message_that_has_expired_says_so_at_once_and_many_headers_are_cut_where_one_ends(server, servers):
    with Client(server.port) as client:
        seq = client.acked("/topic/orders", b"late", note="n" * 1990, expires="1")
    found = servers(server.port)
    [message] = asked.look(found, before=seq + 1).messages[:1]
    assert (message.headers, message.more_headers, message.expired) == ([("note", "n" * 1990)], True, True)
    with pytest.raises(NotRead, match=f"Message {seq} has expired"):
        asked.whole(found, seq, longest=10)


def test_a_server_with_another_secret_is_told_from_one_that_is_away(server, servers, closed_port):
    with pytest.raises(NotRead, match="another secret") as error:
        asked.connections(servers(server.port, secret="other"))
    assert "Install" in f"{error.value} {error.value.advice}"
    with pytest.raises(NotRead, match=r"MS_Primary: Connection refused\. MS_Backup: Connection refused\.") as error:
        asked.connections(servers(closed_port))
    assert error.value.passes


class Former:
    """Takes one connection after another and answers each frame with the next of ``answers``; None: nothing more."""

    def __init__(self, *answers: str | None):
        self._answers, self._listening = answers, socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            client, _ = self._listening.accept()
        except OSError:
            return
        with client:
            for answer in self._answers:
                if not client.recv(65_536) or answer is None:
                    break
                client.sendall(answer.encode())
            else:
                client.recv(65_536)

    def close(self) -> None:
        self._listening.close()
        self._thread.join(10)


@pytest.mark.parametrize(("answers", "words"), [
    (["ERROR\nmessage:The login or the passcode is wrong. …\n\n\0"], "does not know the login of the console"),
    (["CONNECTED\nversion:1.2\n\n\0", "RECEIPT\nreceipt-id:1\n\n\0"], "does not answer this"),
    (["CONNECTED\nversion:1.2\n\n\0", None], "ended the connection"),
    (["CONNECTED\nversion:1.2\n\n\0", "MESSAGE\n\n1\0"], "does not answer this"),
    (["CONNECTED\nversion:1.2\n\n\0", "MESSAGE\n\nnot JSON\0"], "ended the connection"),
    (["HTTP/1.1 400 Bad Request\n\n"], "Nobody takes clients now")])
def test_whoever_is_no_such_server_is_told_apart(servers, answers, words):
    former = Former(*answers)
    try:
        with pytest.raises(NotRead, match=words):
            asked.connections(servers(former.port))
    finally:
        former.close()


def test_one_that_does_not_answer_is_not_waited_for_long(servers, monkeypatch):
    monkeypatch.setattr(line, "TOTAL_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = servers(silent.getsockname()[1])
        with pytest.raises(NotRead, match=r"did not answer within 0\.2 s") as error:
            line.on_line(found.members, lambda talk: talk.ask("connections"), within_s=line.TOTAL_S)
    assert error.value.is_unsure


def test_no_more_than_a_few_servers_are_asked_at_once(servers, closed_port, monkeypatch):
    monkeypatch.setattr(line, "WAIT_S", 0.01)
    found = servers(closed_port)
    for _ in range(line.AT_ONCE):
        assert line._places.acquire(blocking=False)
    try:
        with pytest.raises(NotRead, match="asks other servers"):
            asked.connections(found)
    finally:
        for _ in range(line.AT_ONCE):
            line._places.release()
    with pytest.raises(NotRead, match="Nobody takes clients now"):
        asked.connections(found)
