"""The server verifies control by the file beside its secret, or by the one that its agent names."""

import contextlib

import pytest

from messageserver.contact import CA_FILE, CA_FILE_VARIABLE
from messageserver.exits import ExitCode
from protocol.tls import Identity
from tests.certificates import Certificates

from .command import command, to
from .conftest import ServerProcess, application
from .control_double import ControlDouble

pytestmark = pytest.mark.scenario


@pytest.fixture
def make_control(port, certificates):
    with contextlib.ExitStack() as made:
        def make(*names: str, days: float = 100, secured: bool = True) -> ControlDouble:
            context = Identity(*certificates.issue(*names or ["127.0.0.1"], days=days)).context if secured else None
            return made.enter_context(ControlDouble(application(port), context=context))

        yield make


@pytest.fixture
def trusting(tmp_path, certificates):
    """A working directory with the authority of control."""
    directory = tmp_path / "server"
    directory.mkdir()
    (directory / CA_FILE).write_bytes(certificates.authority.read_bytes())
    return directory


def test_a_server_gets_its_configuration_over_tls_and_again_after_control_was_away(make_control, trusting, port):
    control = make_control()
    with ServerProcess(trusting, control, port=port) as server:
        server.serving()
        control.stop()
        control.reports.clear()
        control.start()
        control.wait_report(state="started")


@pytest.mark.parametrize(("name", "days", "secured", "sentence"), [
    ("localhost", 100, True, "its certificate is not for 127.0.0.1"),
    ("127.0.0.1", -1, True, "its certificate has expired"),
    ("127.0.0.1", 100, False, "it does not speak TLS"),
])
def test_a_control_that_is_not_trusted_ends_the_start(make_control, trusting, name, days, secured, sentence):
    done = command(trusting, *to(make_control(name, days=days, secured=secured)))
    assert done.returncode == ExitCode.REFUSED
    assert f"cannot be used: {sentence}" in done.stdout


def test_a_control_of_another_authority_is_not_trusted(make_control, trusting, tmp_path):
    (trusting / CA_FILE).write_bytes(Certificates(tmp_path / "other").authority.read_bytes())
    done = command(trusting, *to(make_control()), "-check")
    assert done.returncode == ExitCode.REFUSED
    assert "not from the authority that is trusted here" in done.stderr


def test_what_the_agent_names_goes_before_the_file_beside_the_secret(make_control, trusting, certificates, monkeypatch):
    (trusting / CA_FILE).write_text("no certificate")
    monkeypatch.setenv(CA_FILE_VARIABLE, str(certificates.authority))
    assert command(trusting, *to(make_control()), "-check").returncode == ExitCode.OK
    monkeypatch.setenv(CA_FILE_VARIABLE, "")
    assert command(trusting, *to(make_control(secured=False)), "-check").returncode == ExitCode.OK


def test_what_the_agent_names_and_this_account_cannot_read_gives_way_to_the_file_beside_the_secret(
        make_control, trusting, tmp_path, monkeypatch):
    monkeypatch.setenv(CA_FILE_VARIABLE, str(tmp_path / "of another account.pem"))
    assert command(trusting, *to(make_control()), "-check").returncode == ExitCode.OK
    (trusting / CA_FILE).unlink()
    done = command(trusting, *to(make_control()), "-check")
    assert (done.returncode, "of another account.pem" in done.stderr) == (ExitCode.USAGE, True)


def test_a_file_that_is_no_authority_is_named(make_control, trusting):
    (trusting / CA_FILE).write_text("no certificate")
    done = command(trusting, *to(make_control()), "-check")
    assert done.returncode == ExitCode.USAGE
    assert CA_FILE in done.stderr
