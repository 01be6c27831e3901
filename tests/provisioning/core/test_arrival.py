"""How a request reached the console, and what people are told who came by a wrong way."""

from dataclasses import replace

import pytest

from provisioning.core.arrival import (
    Arrival,
    foreign_form,
    is_among,
    networks,
    not_over_https,
    place,
    shown,
    unknown_host,
)

URL = "https://pairwise.example.com"
DIRECT = Arrival(scheme="http", host="10.0.0.1:8000", peer="10.9.9.9", client="10.9.9.9")
THROUGH = replace(DIRECT, host="pairwise.example.com", peer="10.0.0.5", is_trusted=True, forwarded_for="10.9.9.9")


@pytest.mark.parametrize(("arrival", "what", "do"), [
    (DIRECT, "plain HTTP", f"Open {URL}"),
    (THROUGH, "10.0.0.5) does not send the header X-Forwarded-Proto", "X-Forwarded-Proto: https"),
    (replace(THROUGH, proto="tls"), "10.0.0.5) says tls in the header", "X-Forwarded-Proto: https"),
    (replace(THROUGH, proto="http"), "plain HTTP", f"Open {URL}"),
    (replace(THROUGH, is_trusted=False, proto="https"), "forwarded by 10.0.0.5", "PAIRWISE_TRUSTED_PROXIES")])
def test_what_came_in_the_plain_says_by_whom_and_what_to_set(arrival, what, do):
    wrong = not_over_https(arrival, URL)
    assert (what in wrong.what, do in wrong.do) == (True, True), wrong


def test_without_an_address_nobody_is_sent_to_one():
    assert "PAIRWISE_HTTPS has to be unset" in not_over_https(DIRECT, "").do
    assert "instead" not in unknown_host("b.example.com", "").do


@pytest.mark.parametrize(("origin", "arrival", "said"), [
    ("", THROUGH, "allow cookies"), ("null", THROUGH, "allow cookies"),
    ("https://10.0.0.1:8000", DIRECT, "PAIRWISE_HTTPS=1"),
    (URL, DIRECT, "let it send the header Host"),
    (URL, replace(THROUGH, is_trusted=False), "PAIRWISE_TRUSTED_PROXIES"),
    ("https://elsewhere.example", THROUGH, "another site")])
def test_a_form_of_another_page_says_of_which_and_what_a_proxy_may_have_to_do_with_it(origin, arrival, said):
    assert said in str(foreign_form(origin, arrival, ""))


@pytest.mark.parametrize("hostile", [
    "<script>alert(1)</script>", "a b", "x" * 201, "a\r\nSet-Cookie: b", "", "ä.example"])
def test_what_is_no_name_is_repeated_to_nobody(hostile):
    strange = replace(THROUGH, host=hostile, peer=hostile, proto=hostile or "<b>")
    said = (unknown_host(hostile, URL), not_over_https(strange, URL), foreign_form(f"https://a.example/{hostile}",
                                                                                  strange, URL))
    assert shown(hostile) == "something that is no name"
    assert not any(hostile in str(each) for each in said if hostile)


@pytest.mark.parametrize(("host", "forwarded", "here"), [
    ("localhost:8000", "", True), ("127.0.0.1:8000", "", True), ("[::1]:8000", "", True),
    ("localhost", "10.1.1.1", False),
    ("10.0.0.1:8000", "", False), ("[1:2:3]", "", False), ("[", "", False)])
def test_what_stays_on_this_machine_needs_no_https(host, forwarded, here):
    assert replace(DIRECT, host=host, forwarded_for=forwarded).is_of_this_machine is here


@pytest.mark.parametrize(("url", "expected"), [
    (URL, URL), (f"{URL}:443", URL), ("http://A.example:80", "http://a.example"), ("https://[2001:db8::1]:8443",
                                                                                  "https://[2001:db8::1]:8443"),
    ("pairwise.example.com", ""), ("ftp://a.example", ""), ("https://a:b", ""), ("null", ""), ("", "")])
def test_addresses_are_compared_as_browsers_write_them(url, expected):
    assert place(url) == expected


def test_networks_may_be_written_by_an_address_within():
    known = networks(["10.1.0.5/16", "fd00::/8"])
    assert [is_among(each, known) for each in ("10.1.9.9", "fd00::1", "10.2.0.1", "", "no address")] == [
        True, True, False, False, False]
