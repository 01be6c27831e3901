"""Two members of a pair: what is acknowledged, what survives, who gives way, what a returning member does."""

import contextlib
import resource
import socket

import pytest

from protocol import lines
from protocol.messages import Hello, Probe, StepDown
from tests.doubles.stomp import Client

from .pair_of_servers import bodies, takes_clients

pytestmark = pytest.mark.scenario
QUIET_S = 0.4
"""For so long nothing must come where nothing may come."""


def nothing_comes(client: Client) -> bool:
    try:
        return client.next(QUIET_S) is None
    except TimeoutError:
        return True


def test_a_message_is_acknowledged_only_once_the_standby_has_it_too(pair):
    with Client(pair.a.port) as client:
        assert client.acked("/topic/a", b"both") == 1
        pair.b.freeze()
        client.publish("/topic/a", b"one", receipt="r2")
        assert nothing_comes(client)
        pair.b.thaw()
        assert client.expect("RECEIPT").headers["seq"] == "2"
    pair.wait_equal()


def test_a_message_that_only_the_standby_could_store_is_the_next_one_of_both(pair):
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"first")
        size = max(file.stat().st_size for file in (pair.a.directory / "data").iterdir())
        pid, room = pair.a.process.pid, (size + 50_000, resource.RLIM_INFINITY)
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, room)
        client.publish("/topic/a", b"x" * 200_000, receipt="r", dedup_id="large")
        assert "the other member may have it" in client.expect("ERROR").headers["message"]
    pair.b.control.wait_report(last_seq=2)
    assert pair.a.report.last_seq == 1
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    pair.a.control.wait_report(state="started", reason="", last_seq=2)
    with Client(pair.a.port) as client:
        assert client.acked("/topic/a", b"x" * 200_000, dedup_id="large") == 2
        assert client.acked("/topic/a", b"last") == 3
        client.subscribe("/topic/a", from_seq="1")
        assert [frame.body for frame in client.messages(3)] == [b"first", b"x" * 200_000, b"last"]
    pair.wait_equal()
    assert pair.b.report.discarded == 0


def test_a_subscriber_sees_nothing_that_could_still_be_lost(pair):
    with Client(pair.a.port) as sender, Client(pair.a.port) as reader:
        reader.subscribe("/topic/a")
        pair.b.freeze()
        sender.publish("/topic/a", b"m")
        assert nothing_comes(reader)
        pair.b.thaw()
        assert reader.messages(1)[0].body == b"m"


def test_without_its_standby_the_active_server_goes_on_only_after_control_recorded_it(pair):
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"1")
        pair.b.kill()
        pair.a.wishes("alone")
        client.publish("/topic/a", b"2", receipt="r2")
        assert nothing_comes(client)
        pair.a.record(in_sync=False)
        assert client.expect("RECEIPT").headers["seq"] == "2"
        assert client.acked("/topic/a", b"3") == 3
    assert pair.a.control.wait_report(link="down").link_reason


def test_a_standby_that_is_stuck_is_given_up_after_the_standby_timeout(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "1"}).in_sync()
    with Client(pair.a.port) as client:
        pair.b.freeze()
        client.publish("/topic/a", b"1", receipt="r1")
        pair.a.wishes("alone")
        pair.a.record(in_sync=False)
        client.expect("RECEIPT")


@pytest.mark.long
def test_a_strict_server_waits_for_its_standby_instead_and_goes_on_with_it(make_pair):
    pair = make_pair(redundancy={"strict": "true", "standby-timeout": "1"}).in_sync()
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"1")
        pair.b.kill()
        pair.a.control.wait_report(link="down")
        client.publish("/topic/a", b"2", receipt="r2")
        assert nothing_comes(client)
        assert pair.a.report.standby == ""
        pair.restart("B").granted("backup", 1, 20)
        assert client.expect("RECEIPT").headers["seq"] == "2"
    pair.wait_equal()


def test_a_promoted_standby_has_everything_and_knows_the_dedup_ids(pair):
    with Client(pair.a.port) as client:
        for number in range(50):
            client.acked("/topic/a", b"%d" % number, dedup_id=f"d{number}")
    pair.a.kill()
    pair.b.granted("primary", 2)
    assert bodies(pair.b.port, 50) == [b"%d" % number for number in range(50)]
    with Client(pair.b.port) as client:
        assert client.acked("/topic/a", b"49", dedup_id="d49") == 50
        assert client.acked("/topic/a", b"new") == 51


def test_a_deposed_server_lets_its_clients_go_and_acknowledges_nothing_more(pair):
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"1")
        # Control is away for A, and promotes B.
        pair.a.control.stop()
        pair.b.granted("primary", 2)
        client.publish("/topic/a", b"2", receipt="late")
        frames = [client.next() for _ in range(2)]
    assert frames[0].command == "ERROR"
    assert "other member" in frames[0].headers["message"]
    assert frames[1] is None
    assert not takes_clients(pair.a.port)
    assert bodies(pair.b.port, 1) == [b"1"]


def test_cut_off_from_control_and_standby_it_acknowledges_nothing_and_sends_its_clients_away(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "1"}).in_sync()
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"1")
        pair.a.control.stop()
        pair.b.freeze()
        client.publish("/topic/a", b"2", receipt="late")
        frame = client.next()
    assert frame.command == "ERROR"
    assert not takes_clients(pair.a.port)
    pair.a.control.start()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    pair.a.control.wait_report(state="started", link="down")
    with Client(pair.a.port) as client:
        assert client.acked("/topic/a", b"3") >= 2


@pytest.mark.long
def test_a_server_that_was_cut_off_and_is_deposed_can_be_granted_a_role_again(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "1"}).in_sync()
    pair.a.control.stop()
    pair.b.freeze()
    pair.a.says("Neither the standby nor control")
    pair.b.thaw()
    pair.b.granted("backup", 2)
    pair.a.says("is no longer the active one")
    pair.a.control.start()
    pair.a.control.wait_report(role="", state="ready", reason="")


def test_a_pair_goes_on_without_control_while_both_members_are_there(pair):
    pair.a.control.stop()
    pair.b.control.stop()
    with Client(pair.a.port) as client:
        assert [client.acked("/topic/a", b"x") for _ in range(20)] == list(range(1, 21))


@pytest.mark.long
def test_a_grant_that_comes_again_does_not_undo_a_claim(make_pair):
    pair = make_pair()
    pair.b.granted("backup", 1)
    pair.a.granted("primary", 1).wishes("synced")
    pair.b.freeze()
    # Control may have recorded the standby as in sync by now.
    pair.a.control.grant("primary", 1, pair.a.version)
    with Client(pair.a.port) as client:
        client.publish("/topic/a", b"1", receipt="r1")
        assert nothing_comes(client)
        pair.b.thaw()
        assert client.expect("RECEIPT").headers["seq"] == "1"


def test_a_grant_of_an_older_epoch_is_refused_and_disturbs_nobody(make_pair):
    pair = make_pair().in_sync(epoch=2)
    pair.b.control.grant("primary", 1, 1)
    pair.b.says("A grant of control is refused")
    pair.a.control.grant("backup", 1, 1)
    pair.a.says("A grant of control is refused")
    with Client(pair.a.port) as client:
        assert client.acked("/topic/a", b"1") == 1
    pair.wait_equal()


@pytest.mark.long
def test_a_standby_that_was_back_before_control_recorded_its_loss_is_in_sync_again_without_a_message(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "1"}).in_sync()
    pair.a.control.stop()
    pair.b.freeze()
    pair.a.says("The link to B is down")
    pair.b.thaw()
    pair.b.control.wait_report(link="down")
    pair.b.control.wait_report(link="catching_up")
    pair.a.control.start()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    pair.synced(pair.a, pair.b)


@pytest.mark.long
def test_stepping_down_answers_everything_and_closes_without_an_error(pair):
    with Client(pair.a.port) as client:
        for number in range(100):
            client.publish("/topic/a", b"x", receipt=str(number))
        pair.a.control.send(StepDown(epoch=1, reason="The test says so."))
        frames = []
        while (frame := client.next()) is not None:
            frames.append(frame)
    assert {frame.command for frame in frames} == {"RECEIPT"}
    pair.a.control.wait_report(state="ready", role="", epoch=1)
    acknowledged = len(frames)
    pair.b.granted("primary", 2)
    assert len(bodies(pair.b.port, acknowledged)) == acknowledged
    pair.a.granted("backup", 2)
    pair.synced(pair.b, pair.a)


def test_a_member_with_another_sync_secret_is_refused_and_both_say_so(make_pair):
    pair = make_pair(secrets=("one", "another"))
    pair.b.granted("backup", 1)
    pair.a.granted("primary", 1)
    assert "secret" in pair.a.control.wait_event(20006).text
    assert pair.b.control.wait(lambda: [event for event in pair.b.control.events
                                        if event.number == 20005 and "sync secret" in event.text])
    assert pair.a.report.link == "down"
    assert pair.a.report.standby == ""


@pytest.mark.parametrize("kind", ["application", "standby", "console"])
def test_who_is_not_the_other_member_is_refused_and_told_no_name(pair, kind):
    with socket.create_connection(("127.0.0.1", pair.a.sync_port), 5) as stranger, stranger.makefile("rb") as answers:
        answers.readline()
        name = "somebody" if kind == "standby" else pair.b.name
        hello = Hello(kind=kind, name=name, proof="0" * 64, nonce="0" * 64, version="1", host="x", pid=1, started=1)
        stranger.sendall(lines.encode(hello))
        said = answers.readline().decode()
    assert '"refused"' in said
    assert "only the other member of the pair of this server connects to this port" in said
    assert not any(member.name in said for member in (pair.a, pair.b))


@pytest.mark.long
def test_rubbish_on_the_sync_port_disturbs_nobody(pair):
    for data in (b"\x00" * 4096, b"CONNECT\n\n\0", b'{"type":"hello"}\n'):
        with socket.create_connection(("127.0.0.1", pair.a.sync_port), 5) as stranger:
            stranger.sendall(data)
            with Client(pair.a.port) as client:
                client.acked("/topic/a", b"x")
    assert pair.a.report.link == "synced"


def test_a_probe_proves_the_role_that_each_member_has(pair):
    for member, accepts in ((pair.a, True), (pair.b, False)):
        member.control.send(Probe(id=7))
        said = member.control.wait(lambda member=member: next(iter(member.control.probed), None))
        assert (said.id, said.accepts) == (7, accepts), said


@pytest.mark.long
def test_a_probe_tells_that_the_standby_does_not_confirm(pair):
    pair.b.freeze()
    pair.a.control.send(Probe(id=1))
    said = pair.a.control.wait(lambda: next(iter(pair.a.control.probed), None))
    assert not said.accepts
    assert "standby" in said.reason


@pytest.mark.long
def test_large_messages_cross_the_link_whole(pair):
    body = bytes(range(256)) * 4000
    with Client(pair.a.port) as client:
        for _ in range(5):
            client.acked("/topic/a", body)
    pair.a.kill()
    pair.b.granted("primary", 2)
    assert bodies(pair.b.port, 5) == [body] * 5


@pytest.mark.long
def test_strangers_at_the_ha_sync_port_do_not_keep_the_standby_away(pair):
    pair.b.kill()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    with contextlib.ExitStack() as held:
        for _ in range(200):
            held.enter_context(socket.create_connection(("127.0.0.1", pair.sync_port("A"))))
        pair.restart("B").granted("backup", 1)
        pair.synced(pair.a, pair.b)
        with Client(pair.a.port) as client:
            client.acked("/topic/a", b"both")
    pair.wait_equal()
