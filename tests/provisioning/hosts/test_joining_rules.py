"""Where other machines find the console, and how far a join came."""

import pytest

from provisioning.hosts.rules.joining import JoinFacts, Listening, join_stages, reach

LOCAL = {"web_host": "127.0.0.1", "web_port": 8000, "control_host": "127.0.0.1", "control_port": 2020,
         "redis_socket_url": "redis+socket:///var/redis.sock"}
OPEN = {**LOCAL, "web_host": "192.0.2.1", "control_host": "192.0.2.1", "redis_port": 2021, "redis_password": "pw"}
SECURED = {**OPEN, "web_tls": True, "control_tls": True, "tls_names": ("192.0.2.1", "pairwise.example")}


def found(fields, asked="192.0.2.1:8000", scheme="http"):
    return reach(Listening(**fields), scheme=scheme, asked_host=asked)


def test_a_console_on_an_address_is_reached_there():
    assert found(SECURED, scheme="https").__dict__ == {
        "console_url": "https://192.0.2.1:8000", "controls": (("192.0.2.1", 2020),),
        "broker_url": "redis://192.0.2.1:2021/0", "problems": ()}


def test_an_advertised_name_of_a_console_with_its_own_tls_has_its_port():
    where = found({**SECURED, "advertised_host": "pairwise.example"}, "other.example:8000", "https")
    assert where.console_url == "https://pairwise.example:8000"


@pytest.mark.parametrize(("listens_on", "asked", "address"), [
    pytest.param("0.0.0.0", "console.example", "console.example", id="on all addresses it is reached as it was asked"),
    pytest.param("2001:db8::1", "[2001:db8::1]", "2001:db8::1", id="an address of version 6 stands in brackets")])
def test_everything_is_where_the_console_was_asked(listens_on, asked, address):
    where = found({**OPEN, "web_host": listens_on, "control_host": listens_on}, asked=f"{asked}:8000")
    assert where.console_url == f"http://{asked}:8000"
    assert where.controls[0][0] == address
    assert where.broker_url == f"redis://{asked}:2021/0"


def test_an_advertised_name_goes_before_the_address():
    where = found({**OPEN, "advertised_host": "pairwise.example"})
    assert where.console_url == "http://pairwise.example:8000"
    assert where.broker_url == "redis://pairwise.example:2021/0"
    assert where.controls == (("192.0.2.1", 2020),)


def test_behind_a_proxy_the_console_is_where_it_was_asked():
    assert found({**OPEN, "advertised_host": "a.example"}, "p.example", "https").console_url == "https://p.example"
    assert found({**OPEN, "console_url": "https://c.example"}, "p.example").console_url == "https://c.example"


@pytest.mark.parametrize(("fields", "asked", "sentence"), [
    (LOCAL, "127.0.0.1:8000", "listens on 127.0.0.1 only. Set PAIRWISE_HOST"),
    ({**OPEN, "control_host": "127.0.0.1"}, "192.0.2.1:8000", "Set PAIRWISE_CONTROL_HOST"),
    ({**OPEN, "web_host": "0.0.0.0"}, "localhost:8000", "a name that means this machine only"),
    (OPEN, "192.0.2.1:8000", "sees its secret"),
    (OPEN, "192.0.2.1:8000", "PAIRWISE_CONTROL_TLS is off"),
    ({**SECURED, "control_host": "192.0.2.9"}, "192.0.2.1:8000", "Add 192.0.2.9 to PAIRWISE_TLS_NAMES"),
    ({**OPEN, "redis_url": "redis://127.0.0.1:6379/0"}, "192.0.2.1:8000", "the Redis of PAIRWISE_REDIS_URL"),
])
def test_what_others_cannot_reach_is_said(fields, asked, sentence):
    assert any(sentence in problem for problem in found(fields, asked).problems)


def stage(name, state="done", text=""):
    return {"name": name, "state": state, "text": text, "at": "2026-11-24T10:00:00+00:00"}


REPORTED = tuple(map(stage, ("machine", "fetch", "check", "unpack", "join", "start")))


def states(**facts):
    return {each.name: each.state for each in join_stages(JoinFacts(**facts))}


def test_before_the_first_word_everything_waits():
    assert set(states().values()) == {"waiting"}


def test_what_the_console_sees_comes_after_what_the_machine_told():
    assert states(stages=REPORTED)["connect"] == "running"
    assert states(stages=REPORTED)["worker"] == "waiting"
    assert states(stages=REPORTED, connected=True)["worker"] == "running"
    assert set(states(stages=REPORTED, connected=True, worker=True).values()) == {"done"}
    assert states(stages=REPORTED[:5], connected=True, worker=True)["connect"] == "waiting"


def test_a_failed_stage_has_its_sentence_and_what_to_do():
    found = join_stages(JoinFacts(stages=(*REPORTED[:3], stage("unpack", "failed", "No space left."))))
    failed = found[3]
    assert (failed.state, failed.text) == ("failed", "No space left.")
    assert "free space" in failed.advice
    assert [each.advice for each in found if each is not failed] == [""] * 7
