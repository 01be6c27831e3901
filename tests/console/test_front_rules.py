"""What is wrong with a proxy in front, by how questions through it arrived."""

from dataclasses import replace

import pytest

from console import echo, front
from console.front_rules import CLAIMED_ADDRESS, Asked, faults
from provisioning.core.arrival import Arrival

URL = "https://pairwise.example.com"
GOOD = Arrival(scheme="https", host="pairwise.example.com", peer="10.0.0.5", client="10.9.9.9", is_trusted=True,
               proto="https", forwarded_for="10.9.9.9")
WHOLE = Asked(URL, (("a:8000", GOOD), ("b:8001", GOOD)), large=100, held_s=echo.HOLD_S)


def found(asked: Asked, *, behind_one=True) -> list[str]:
    told = faults(asked, behind_one=behind_one)
    assert all(each.what and each.do for each in told)
    return [each.ident.partition(".")[2] for each in told]


def test_of_a_proxy_that_does_all_of_it_nothing_is_said():
    assert found(WHOLE) == []
    assert found(replace(WHOLE, large=200)) == []


@pytest.mark.parametrize(("changed", "expected"), [
    ({"host": "10.0.0.1:8000"}, ["E038"]), ({"host": "pairwise.example.com:443"}, []),
    ({"host": "pairwise.example.com:8443"}, ["E038"]), ({"host": ""}, ["E038"]),
    ({"scheme": "http", "proto": ""}, ["E039"]), ({"scheme": "http", "proto": "http"}, ["E039"]),
    ({"scheme": "http", "proto": "https, http"}, ["E039"]), ({"proto": "http, https"}, []),
    ({"forwarded_for": "", "client": "10.0.0.5"}, ["E040"]),
    ({"forwarded_for": CLAIMED_ADDRESS, "client": CLAIMED_ADDRESS}, ["E040"]),
    # A proxy that adds to the header, asked from an address that is trusted itself.
    ({"forwarded_for": f"{CLAIMED_ADDRESS}, 10.0.0.5", "client": CLAIMED_ADDRESS}, []),
    ({"is_trusted": False, "scheme": "http", "client": "10.0.0.5"}, ["E040"])])
def test_each_header_that_is_missing_or_wrong_is_named(changed, expected):
    arrival = replace(GOOD, **changed)
    assert found(replace(WHOLE, arrivals=(("a:8000", arrival),))) == expected


def test_where_nobody_is_in_front_nothing_is_missed():
    direct = replace(GOOD, is_trusted=False, proto="http", forwarded_for=CLAIMED_ADDRESS)
    assert found(replace(WHOLE, arrivals=(("a:8000", direct),)), behind_one=False) == []
    assert found(replace(WHOLE, arrivals=(("a:8000", direct),))) == ["E040"]
    touched = replace(direct, forwarded_for="10.9.9.9")
    assert found(replace(WHOLE, arrivals=(("a:8000", touched),)), behind_one=False) == ["E040"]


def test_what_holds_of_some_web_processes_names_them():
    other = replace(GOOD, is_trusted=False)
    [fault] = faults(replace(WHOLE, arrivals=(("a:8000", GOOD), ("b:8001", other))), behind_one=True)
    assert "b:8001 alone" in fault.what
    [fault] = faults(replace(WHOLE, arrivals=(("a:8000", other), ("b:8001", other))), behind_one=True)
    assert "alone" not in fault.what


@pytest.mark.parametrize(("changed", "expected"), [
    ({"large": 413}, ["W024"]), ({"held_s": 0.01}, ["W025"]), ({"why_not": "nobody is there."}, ["W023"]),
    ({"large": None, "held_s": None}, []),
    ({"gave_up_s": 60.0}, ["W028"])])
def test_bodies_streams_and_silence(changed, expected):
    assert found(replace(WHOLE, **changed)) == expected


@pytest.mark.parametrize("asked", [
    Asked(URL, why_not="the connection failed (\x1b[2J)."), Asked(URL, (("\x1b[2J" * 9999, replace(GOOD, host="b")),)),
    Asked(URL, (("a:8000", replace(GOOD, scheme="\x1b[2J")),))])
def test_who_answers_in_place_of_the_console_writes_nothing_to_a_terminal(settings, monkeypatch, asked):
    settings.PAIRWISE_CONSOLE_URL = URL
    monkeypatch.setattr(front, "ask", lambda url: asked)
    told = front.found_in_front()
    assert told
    assert not any("\x1b" in str(each) or len(str(each)) > 5000 for each in told)
