"""What `manage.py check` and a start say about settings and machine."""

import socket

import pytest

from console import checks
from console.up.errors import CannotStart
from console.up.machine import Port, check_disk, check_ports, reachable_host, web_address


def ids(found) -> list[str]:
    assert all(each.hint for each in found)
    return [each.id for each in found]


@pytest.mark.parametrize(("settings_of_test", "expected"), [
    ({}, []),
    ({"PAIRWISE_PORT": 0}, ["pairwise.E001"]),
    ({"PAIRWISE_PORT": 70_000}, ["pairwise.E001"]),
    ({"PAIRWISE_PORT": 2020}, ["pairwise.E002"]),
    ({"PAIRWISE_LCA_PORT": 10_000}, ["pairwise.E003"]),
])
def test_ports(settings, settings_of_test, expected):
    for name, value in {"PAIRWISE_PORT": 8000, "PAIRWISE_CONTROL_PORT": 2020, "PAIRWISE_LCA_PORT": 4999,
                        **settings_of_test}.items():
        setattr(settings, name, value)
    assert ids(checks.ports()) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(0, []), (15, []), (40, []), (-1, ["pairwise.E013"]),
                                                   (41, ["pairwise.E013"])])
def test_looks_on_hosts(settings, minutes, expected):
    settings.PAIRWISE_LOOK_MINUTES = minutes
    assert ids(checks.looks()) == expected


def test_a_directory_of_packages_that_the_console_may_make_or_write_to_is_fine(settings, tmp_path):
    for directory in (tmp_path, tmp_path / "not" / "there"):
        settings.PAIRWISE_PACKAGES_DIR = directory
        assert ids(checks.packages_directory()) == []


def test_one_that_it_may_not_write_to_is_named_with_the_command_that_helps(settings, tmp_path, monkeypatch):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
    monkeypatch.setattr(checks.os, "access", lambda path, mode: path != tmp_path)
    [found] = checks.packages_directory()
    assert found.id == "pairwise.W026"
    assert str(tmp_path / "packages") in found.msg
    assert found.hint.startswith("Run as root: install -d -o ")


@pytest.mark.parametrize(("url", "sender", "expected"), [
    ("", "Pairwise <pairwise@localhost>", []),
    ("smtps://ada:pw@mail.example.com", "pairwise@example.com", []),
    ("mail.example.com", "pairwise@example.com", ["pairwise.E020"]),
    ("", "Pairwise", ["pairwise.E021"]),
])
def test_mail(settings, url, sender, expected):
    settings.PAIRWISE_SMTP_URL, settings.PAIRWISE_MAIL_FROM = url, sender
    assert ids(checks.mail()) == expected


@pytest.mark.parametrize(("said", "expected"), [
    ([], []), (["loopback"], []), (["10.0.0.0/8", "192.0.2.7"], []), (["token"], []),
    (["tokens"], ["pairwise.E022"])])
def test_metrics(settings, said, expected):
    settings.PAIRWISE_METRICS = said
    assert ids(checks.metrics()) == expected


@pytest.mark.parametrize(("said", "expected"), [("line", []), ("json", []), ("xml", ["pairwise.E023"])])
def test_the_format_of_the_log(settings, said, expected):
    settings.PAIRWISE_LOG_FORMAT = said
    assert ids(checks.log_format()) == expected


@pytest.mark.parametrize("name", ["PAIRWISE_LOG_DAYS", "PAIRWISE_LOG_RECORDS", "PAIRWISE_AUDIT_MINUTES",
                                  "PAIRWISE_AUDIT_KEEP_DAYS"])
@pytest.mark.parametrize(("number", "expected"), [(1, []), (0, ["pairwise.E018"]), (-5, ["pairwise.E018"])])
def test_nothing_is_kept_for_no_time_or_done_without_a_pause(settings, name, number, expected):
    setattr(settings, name, number)
    found = checks.numbers_from_one()
    assert ids(found) == expected
    assert [each.msg for each in found] == [f"{name} is {number}." for _ in expected]


@pytest.mark.parametrize("other", ["default", "control"])
@pytest.mark.parametrize(("changed", "expected"), [({}, ["pairwise.E019"]), ({"NAME": "of_its_own"}, []),
                                                   ({"HOST": "elsewhere"}, []), ({"PORT": "5433"}, [])])
def test_log_records_share_no_database(settings, monkeypatch, other, changed, expected):
    monkeypatch.setitem(settings.DATABASES, "log", {**settings.DATABASES[other], **changed})
    assert ids(checks.log_records()) == expected


def test_the_port_of_an_embedded_redis_counts_only_while_it_has_one(settings):
    settings.PAIRWISE_PORT = settings.PAIRWISE_REDIS_PORT = 8000
    assert ids(checks.ports()) == []
    settings.EMBEDDED_REDIS_PASSWORD = "secret"
    assert ids(checks.ports()) == ["pairwise.E002"]


@pytest.mark.parametrize(("url", "expected"), [
    ("", []), ("https://pairwise.example.com", []), ("http://192.0.2.1:8000", []), ("http://[2001:db8::1]:8000", []),
    ("pairwise.example.com", ["pairwise.E008"]), ("https://a.example/path", ["pairwise.E008"]),
    ("https://a.example';reboot'", ["pairwise.E008"]), ("https://$(reboot)", ["pairwise.E008"]),
    ("https://[::1", ["pairwise.E008"]), ("https://a.example:99999", ["pairwise.E008"]),
])
def test_an_address_that_goes_into_a_shell_is_plain(settings, url, expected):
    settings.PAIRWISE_CONSOLE_URL = url
    assert ids(checks.console_url()) == expected


@pytest.mark.parametrize(("proxies", "expected"), [
    ([], []), (["10.0.0.5", "10.1.0.0/16", "fd00::/8"], []), (["proxy.example.com"], ["pairwise.E014"])])
def test_trusted_proxies_are_addresses_or_networks(settings, proxies, expected):
    settings.PAIRWISE_TRUSTED_PROXIES = proxies
    assert ids(checks.trusted_proxies()) == expected


@pytest.mark.parametrize(("proxies", "behind_one", "expected"), [
    ([], True, ["pairwise.W010"]), (["127.0.0.1"], True, []), ([], False, [])])
def test_a_proxy_in_front_is_to_be_named(settings, proxies, behind_one, expected):
    settings.PAIRWISE_TRUSTED_PROXIES, settings.PAIRWISE_HTTPS = proxies, behind_one
    assert ids(checks.unnamed_proxy()) == expected


@pytest.mark.parametrize(("url", "expected"), [("", ["pairwise.W002"]), ("https://pairwise.example.com", [])])
def test_on_all_addresses_some_name_is_allowed(settings, monkeypatch, url, expected):
    monkeypatch.delenv("PAIRWISE_ALLOWED_HOSTS", raising=False)
    settings.PAIRWISE_HOST, settings.PAIRWISE_CONSOLE_URL, settings.SESSION_COOKIE_SECURE = "0.0.0.0", url, True
    assert ids(checks.open_to_the_network()) == expected


def test_a_short_secret_key(settings):
    settings.SECRET_KEY = "x" * 31
    assert ids(checks.secret_key()) == ["pairwise.E004"]
    settings.SECRET_KEY = "x" * 32
    assert ids(checks.secret_key()) == []


def test_secrets_that_others_can_read(settings, tmp_path):
    settings.PAIRWISE_DATA_DIR = tmp_path
    assert ids(checks.data_directory()) == []
    home = tmp_path / "hosts/localhost"
    home.mkdir(parents=True)
    for path in (tmp_path / "secret_key", home / "agent.json"):
        path.write_text("secret")
        path.chmod(0o640)
    assert ids(checks.data_directory()) == ["pairwise.E006", "pairwise.E006"]
    for path in (tmp_path / "secret_key", home / "agent.json"):
        path.chmod(0o600)
    assert ids(checks.data_directory()) == []


def test_a_data_directory_that_is_not_there(settings, tmp_path):
    settings.PAIRWISE_DATA_DIR = tmp_path / "gone"
    assert ids(checks.data_directory()) == ["pairwise.E005"]


def test_what_is_risky_on_the_network(settings, monkeypatch):
    monkeypatch.delenv("PAIRWISE_ALLOWED_HOSTS", raising=False)
    settings.PAIRWISE_HOST, settings.DEBUG, settings.SESSION_COOKIE_SECURE = "127.0.0.1", True, False
    assert ids(checks.open_to_the_network()) == []
    settings.PAIRWISE_HOST = "0.0.0.0"
    assert ids(checks.open_to_the_network()) == ["pairwise.E007", "pairwise.W001", "pairwise.W002"]
    settings.DEBUG, settings.SESSION_COOKIE_SECURE = False, True
    monkeypatch.setenv("PAIRWISE_ALLOWED_HOSTS", "pairwise.example.com")
    assert ids(checks.open_to_the_network()) == []


def port(number: int, setting: str = "PAIRWISE_PORT", host: str = "127.0.0.1") -> Port:
    return Port("the web console", host, number, setting)


def test_a_free_port_is_fine_and_a_taken_one_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {number}, which the web console needs, is taken.* PAIRWISE_PORT"):
            check_ports([port(number)])
    check_ports([port(number)])


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CannotStart, match="set PAIRWISE_HOST to an address of this machine"):
        check_ports([port(8000, host="192.0.2.1")])


def test_a_disk_with_room_is_fine(tmp_path, monkeypatch):
    check_disk(tmp_path)
    monkeypatch.setattr("console.up.machine.FREE_MB_NEEDED", 10**12)
    with pytest.raises(CannotStart, match="is full"):
        check_disk(tmp_path)


def test_addresses_that_this_machine_can_use():
    assert web_address("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert web_address("10.0.0.7", 80) == "http://10.0.0.7:80"
    assert reachable_host("::1") == "[::1]"


@pytest.mark.parametrize(("value", "expected"), [(-1, ["pairwise.E018"]), (0, [])])
def test_how_fast_the_log_may_grow(settings, value, expected):
    settings.PAIRWISE_LOG_RATE = value
    assert ids(checks.log_records()) == expected
