"""Join by SSH: a real sshd on loopback; what runs there is harmless."""

import asyncio
import shlex
import subprocess
import time

import asyncssh
import pytest

from provisioning.errors import NotAllowed, Refused
from provisioning.hosts.rules import ssh_joining as rules
from provisioning.hosts.rules.joining import JoinFacts, join_stages
from provisioning.hosts.rules.ssh_joining import Login
from provisioning.hosts.services import ssh_joining
from provisioning.hosts.services.ssh_session import SshFailed, host_key, run_join, why_no_key
from provisioning.models import HistoryEntry, Host
from tests import factories
from tests.ports import free_port
from tests.sshd import Sshd, needs_sshd

READS_TOKEN = "python3 -c \"import sys; sys.exit('got ' + sys.stdin.readline().strip())\" --console http://c"
OKAY = 'python3 -c "import sys; sys.exit(sys.stdin.readline() != \'token\' + chr(10))" --console http://c'


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with Sshd(tmp_path_factory.mktemp("sshd"), "127.0.0.1", free_port()) as running:
        yield running


def run(sshd, login, line=OKAY, key=None):
    said = []

    async def logged_in(sentence):
        said.append(sentence)

    asyncio.run(run_join("127.0.0.1", sshd.port, key=key or host_key("127.0.0.1", sshd.port).text, login=login,
                         line=line, token="token", logged_in=logged_in))
    return said


def refusal(*arguments, **fields):
    with pytest.raises(SshFailed) as failed:
        run(*arguments, **fields)
    return str(failed.value)


@needs_sshd
def test_the_key_of_the_machine_is_shown_as_ssh_keygen_shows_it(sshd):
    shown = host_key("127.0.0.1", sshd.port)
    assert shown.fingerprint == sshd.fingerprint
    assert shown.text.startswith("ssh-ed25519 ")


@needs_sshd
def test_the_token_comes_by_standard_input_and_never_in_a_command_line(sshd):
    [sentence] = run(sshd, Login(user="root", private_key=sshd.key))
    assert sentence.startswith("As root, with python3")
    assert "token" not in sshd.log


@needs_sshd
@pytest.mark.long
def test_an_encrypted_key_is_opened_by_its_passphrase(sshd):
    assert run(sshd, Login(user="root", private_key=sshd.locked_key, passphrase="open sesame"))
    for passphrase in ("", "x"):
        login = Login(user="root", private_key=sshd.locked_key, passphrase=passphrase)
        assert "passphrase is missing or wrong" in why_no_key(login)
    assert "no private key" in why_no_key(Login(user="root", private_key="-----BEGIN"))


@needs_sshd
def test_a_program_that_fails_is_told_by_its_last_line(sshd):
    assert refusal(sshd, Login(user="root", private_key=sshd.key), READS_TOKEN) == (
        "It ended with exit code 1. got token")


@needs_sshd
@pytest.mark.parametrize("line", ["python3 -c \"import sys\nwhile 1: sys.stdout.write('x' * 60000)\"",
                                  "python3 -c \"import sys\nwhile 1: sys.stderr.write('x' * 60000)\""])
@pytest.mark.long
def test_a_machine_that_talks_without_end_is_not_listened_to(sshd, line):
    began = time.monotonic()
    assert "said more than 1 MB" in refusal(sshd, Login(user="root", private_key=sshd.key), line)
    assert time.monotonic() - began < 60


@needs_sshd
def test_what_is_asked_of_a_machine_before_is_bounded_too(sshd, monkeypatch):
    monkeypatch.setattr(rules, "FIND_PYTHON", "yes")
    assert "said more than 1 MB" in refusal(sshd, Login(user="root", private_key=sshd.key))


@needs_sshd
def test_a_wrong_password_and_a_foreign_key_are_told_apart(sshd):
    assert "does not let root log in with this password" in refusal(sshd, Login(user="root", password="wrong"))
    foreign = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    assert "does not let root log in with this private key" in refusal(sshd, Login(user="root", private_key=foreign))
    assert "wrong" not in sshd.log


@needs_sshd
@pytest.mark.long
def test_a_machine_without_python_says_so(tmp_path):
    (tmp_path / "nothing").mkdir()
    with Sshd(tmp_path, "127.0.0.1", free_port(), more=f"SetEnv PATH={tmp_path}/nothing") as sshd:
        assert "no Python 3.11 or newer" in refusal(sshd, Login(user="root", private_key=sshd.key))


@needs_sshd
def test_another_host_key_than_the_confirmed_one_ends_it_before_anything_is_sent(tmp_path):
    with Sshd(tmp_path, "127.0.0.1", free_port()) as sshd:
        confirmed, before = host_key("127.0.0.1", sshd.port), sshd.fingerprint
        sshd.stop()
        sshd.new_host_key()
        sshd.start()
        sentence = refusal(sshd, Login(user="root", password="secret"), key=confirmed.text)
        assert f"shows another host key than the one that was confirmed: {sshd.fingerprint}, not {before}" in sentence
        assert "Failed password" not in sshd.log


def test_a_port_that_nobody_listens_on_is_told(closed_port):
    with pytest.raises(SshFailed, match=f"Nobody answers SSH at 127.0.0.1 port {closed_port}"):
        host_key("127.0.0.1", closed_port)


# --- the command


def test_by_sudo_the_password_goes_first_and_the_token_stays_for_the_program():
    login = Login(user="otto", password="pw")
    command = rules.command(OKAY, python="python3.12", sudo=True, asks=True)
    words = shlex.split(command)
    assert words[:7] == ["sudo", "-S", "-p", "", "--", "sh", "-c"]
    assert words[7] == OKAY.replace("python3 ", "python3.12 ", 1)
    assert rules.standard_input(login, "token", asks=True) == "pw\ntoken\n"
    assert shlex.split(rules.command(OKAY, python="python3", sudo=True, asks=False))[:3] == ["sudo", "-n", "--"]
    assert rules.standard_input(login, "token", asks=False) == "token\n"


def test_the_first_python_that_is_new_enough_is_found(tmp_path):
    for name, code in (("python3", 1), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(["sh", "-c", rules.FIND_PYTHON], env={"PATH": f"{tmp_path}:/bin"}, capture_output=True,
                          text=True, timeout=10)
    assert done.stdout == "python3.12\n"


def test_no_secret_is_in_what_a_login_looks_like():
    login = Login(user="root", password="pw-1", private_key="key-1", passphrase="phrase-1")
    assert not any(secret in repr(login) for secret in ("pw-1", "key-1", "phrase-1"))


def test_the_page_has_the_stage_only_where_ssh_was_used():
    assert join_stages(JoinFacts())[0].name == "machine"
    told = ({"name": "ssh", "state": "failed", "text": "No.", "at": "2026-01-01T00:00:00+00:00"},)
    first = join_stages(JoinFacts(stages=told))[0]
    assert (first.name, first.state) == ("ssh", "failed")
    assert "press Join by SSH again" in first.advice


# --- the verbs


@pytest.fixture
def host(no_broker, no_control):
    return factories.make_host("edge1", ip_address="127.0.0.9", status=None)


@needs_sshd
@pytest.mark.django_db
def test_the_confirmed_key_is_pinned_and_the_login_is_kept_nowhere(host, sshd, monkeypatch):
    orders = []
    monkeypatch.setattr(ssh_joining, "_start", orders.append)
    monkeypatch.setattr(ssh_joining, "command_from", lambda asked: OKAY)
    key = host_key("127.0.0.1", sshd.port).text
    row = ssh_joining.begin(actor=factories.ADMINISTRATOR, host_id=host.pk, port=sshd.port, key=key, asked_host="c",
                            login=Login(user="root", password="never stored"))
    assert Host.objects.get(pk=host.pk).ssh_host_key == key
    assert row.is_open
    entry = HistoryEntry.objects.filter(object_id=str(host.pk)).first()
    assert f"Confirmed the SSH host key {sshd.fingerprint} and joins edge1 by SSH as root." in entry.reason
    for model in (HistoryEntry, Host, type(row)):
        assert "never stored" not in str(list(model.objects.values()))


@pytest.mark.django_db
def test_only_who_manages_hosts_joins_by_ssh(host):
    for actor in (factories.OPERATOR, factories.SUPPORT):
        with pytest.raises(NotAllowed):
            ssh_joining.look(actor=actor, host=host, port=22)
        with pytest.raises(NotAllowed):
            ssh_joining.begin(actor=actor, host_id=host.pk, port=22, key="", asked_host="c", login=Login(user="root"))


@pytest.mark.django_db
@pytest.mark.parametrize(("fields", "sentence"), [
    ({"key": "no key"}, "host key that was confirmed is none"),
    ({"login": Login(user="root", private_key="rubbish")}, "no private key that can be read"),
])
def test_what_cannot_work_is_refused_before_anything_is_started(host, fields, sentence):
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Refused, match=sentence):
        ssh_joining.begin(**{"actor": factories.ADMINISTRATOR, "host_id": host.pk, "port": 22, "key": key,
                             "asked_host": "c", "login": Login(user="root", password="x"), **fields})
    assert not host.enrolments.exists()
