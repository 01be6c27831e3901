"""The Configuration as settings: defaults, odd values, ports."""

import pytest

from messageserver.options import OPTIONS
from messageserver.settings import SettingsError, from_application
from protocol.client_logins import ClientRights

PORT = {"id": "default", "port": 7001, "protocol": "stomp", "ha_sync": False}


def settings(ports=None, **fields):
    return from_application({"name": "MS", "ports": [PORT] if ports is None else ports, **fields})


def test_without_options_every_default_counts():
    made = settings()
    assert (made.limits.max_frame_bytes, made.retention.days, made.log["verbose"]) == (1048576, 30, "standard")
    assert (made.clients, made.problems, made.suspending_wait_s) == ({}, (), 10)


def test_section_and_key_names_are_compared_without_case_and_logins_with_it():
    made = settings(options={"Limits": {"Max_Connections": 7}, "CLIENTS": {"Ann": "Pass", "ann": 5}})
    assert made.limits.max_connections == 7
    assert made.clients == {"Ann": "Pass", "ann": "5"}


@pytest.mark.parametrize("value", ["0", "-1", "x", "100001", "1.5", "²"])
def test_a_number_out_of_range_falls_back_and_is_named(value):
    made = settings(options={"limits": {"max-connections": value}})
    assert made.limits.max_connections == 1000
    assert "limits/max-connections" in made.problems[0]


def test_an_empty_value_is_the_default_without_a_complaint():
    made = settings(options={"limits": {"max-connections": ""}})
    assert (made.limits.max_connections, made.problems) == (1000, ())


@pytest.mark.parametrize(("value", "seconds"), [("5", 5), ("600", 600), ("4", 10), ("601", 10), ("soon", 10)])
def test_the_suspending_wait_timeout_is_bounded(value, seconds):
    made = settings(annex={"sml": {"suspending-wait-timeout": value}})
    assert made.suspending_wait_s == seconds
    assert bool(made.problems) == (str(seconds) != value)


@pytest.mark.parametrize("ports", [[], [{**PORT, "ha_sync": True}], [{**PORT, "protocol": "sync"}]])
def test_a_server_needs_a_port_for_clients(ports):
    with pytest.raises(SettingsError, match="no listening port for clients"):
        settings(ports)


@pytest.mark.parametrize("number", ["", "0", "65536", "http", None])
def test_a_port_number_out_of_range_is_refused(number):
    with pytest.raises(SettingsError, match="from 1 to 65535"):
        settings([{**PORT, "port": number}])


def test_a_secured_port_is_known_by_mode_or_transport_parameters():
    made = settings([PORT, {**PORT, "id": "a", "listening_mode": "Secured"},
                     {**PORT, "id": "b", "transport_parameters": "tls=1;certificate=/c.pem"}])
    assert [p.secured for p in made.ports] == [False, True, True]
    assert made.ports[2].transport["certificate"] == "/c.pem"


def test_a_port_for_browsers_takes_clients_and_origins_are_looked_at():
    made = settings([{**PORT, "protocol": "Stomp-WS"}], options={"WebSocket": {
        "origins": "https://Logs.example.com/, *, logs.example.com, http://[::1]:8000, null, ftp://a/b"}})
    assert made.ports[0].takes_clients
    assert made.origins == ("https://logs.example.com", "*", "http://[::1]:8000", "null")
    assert ["'logs.example.com'" in made.problems[0], "'ftp://a/b'" in made.problems[1]] == [True, True]
    assert settings().origins == ()


def test_secrets_are_not_in_the_text_of_the_settings():
    assert "Pass" not in repr(settings(options={"clients": {"ann": "Pass"}}))


def test_every_numeric_default_is_within_its_bounds():
    for option in OPTIONS:
        assert option.low is None or option.low <= int(option.default) <= option.high


def entries(clients, rights):
    return settings(options={"clients": clients, "client-rights": rights})


def test_a_login_without_an_entry_has_no_limits_and_another_one_what_is_said_of_it():
    made = entries({"ann": "x", "bob": "y"}, {"bob": "read=/topic/a*"})
    assert (made.rights, made.problems) == ({"bob": ClientRights(("/topic/a*",), ())}, ())
    assert made.login("ann") == ("x", None)


@pytest.mark.parametrize("text", ["", "all", "read=orders", "read=/topic/a; read=/topic/b"])
def test_what_cannot_be_read_of_a_logins_rights_allows_nothing(text):
    made = entries({"ann": "x"}, {"ann": text})
    assert made.rights == {"ann": ClientRights()}
    assert made.problems[0].startswith("The login 'ann' may nothing")


def test_rights_that_stand_in_two_sections_allow_nothing():
    made = settings(options={"clients": {"ann": "x"}, "client-rights": {"ann": "read=/*"},
                             "Client_Rights": {"ann": "read=/*; write=/*"}})
    assert made.rights == {"ann": ClientRights()}
    assert "twice" in made.problems[0]


def test_rights_of_nobody_are_named():
    made = entries({"ann": "x"}, {"Ann": "read=/topic/a"})
    assert made.rights == {}
    assert "'Ann', which is no login of section clients" in made.problems[0]


@pytest.mark.parametrize("login", ["pairwise.console", "pairwise.drill.a.1", "Pairwise.log.reader"])
def test_no_client_has_a_login_of_the_console(login):
    made = entries({login: "secret-of-nobody", "ann": "x"}, {})
    assert made.clients == {"ann": "x"}
    assert "begins the names of the console's own logins" in made.problems[0]
    assert "secret-of-nobody" not in made.problems[0]


def test_a_hash_that_is_none_is_named_without_its_text():
    made = entries({"ann": "{sha256}secret-of-nobody"}, {})
    assert made.problems == ("Nobody can log in as 'ann': its passcode in section clients begins with {sha256} and has "
                             "no SALT$HEX behind it. Make a new one.",)
