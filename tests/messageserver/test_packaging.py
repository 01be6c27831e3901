"""The Installation Package and the Application Template file."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree

import pytest

from console.up.windows_launcher import windows_launcher
from messageserver import VERSION, packaging
from messageserver.exits import ExitCode
from messageserver.options import OPTIONS

from .conftest import ServerProcess, application
from .control_double import WAIT_S, ControlDouble


@pytest.fixture
def installed(tmp_path):
    """The package, unpacked."""
    package = packaging.build(tmp_path, windows_launcher())
    with tarfile.open(package) as archive:
        archive.extractall(tmp_path / "installed", filter="data")
    return tmp_path / "installed"


def test_the_same_sources_give_the_same_bytes(tmp_path):
    first, second = (packaging.build(tmp_path / name, windows_launcher()) for name in "ab")
    assert first.name == f"IP_MessageServer_{VERSION}_ENU_linux.tar.gz"
    assert first.read_bytes() == second.read_bytes()


def test_what_is_inside(installed):
    top = sorted(p.name for p in installed.iterdir())
    assert top == ["MessageServer", "MessageServer.exe", "checksums.sha256", "installService.bat", "ip_description.xml",
                   "lib", "read_me.html", "startServer.bat"]
    assert os.stat(installed / "MessageServer").st_mode & 0o777 == 0o755
    root = ElementTree.parse(installed / "ip_description.xml").getroot()
    assert root.find("Product/Release").get("Version") == VERSION
    assert root.find("Product/Name/Nickname").text == "MessageServer"
    lines = (installed / "checksums.sha256").read_text().splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = {str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file()} - {"checksums.sha256"}
    assert set(listed) == files
    for name, digest in listed.items():
        assert hashlib.sha256((installed / name).read_bytes()).hexdigest() == digest
    assert not files & {"lib/messageserver/packaging.py", "lib/messageserver/windows_package.py"}


def test_every_exit_code_and_option_is_in_the_read_me(installed):
    text = (installed / "read_me.html").read_text()
    for code in ExitCode:
        assert f"<td>{code.value}</td>" in text
    for option in OPTIONS:
        assert f"[{option.section}] {option.key}<" in text


def test_the_launcher_becomes_the_server_it_starts(installed, port):
    control = ControlDouble(application(port))
    (installed / "python.path").write_text(sys.executable + "\n")
    server = ServerProcess.__new__(ServerProcess)
    server.directory, server.control, server.port, server._preexec = installed, control, port, None
    (installed / "application.secret").write_text(control.secret)
    (installed / "application.secret").chmod(0o600)
    server.command = [str(installed / "MessageServer"), "-host", "127.0.0.1", "-port", str(control.port), "-app",
                      "MS_Primary", "-workdir", str(installed)]
    server.start()
    try:
        server.serving()
        assert control.hellos[0].pid == server.process.pid
        with server.client() as client:
            assert client.acked("/topic/a", b"x") == 1
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    finally:
        server.end()
        control.close()


def test_the_launcher_is_not_misled_by_its_surroundings(installed, tmp_path):
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (installed / "python.path").write_text("/does/not/exist\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(shutil.which(sys.executable))
    done = subprocess.run([str(installed / "MessageServer"), "-V"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=WAIT_S, env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                                               "PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, f"MessageServer {VERSION}\n")


def test_without_python_it_says_what_to_install(installed, tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ("dirname", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    done = subprocess.run([str(installed / "MessageServer"), "-V"], capture_output=True, text=True, timeout=WAIT_S,
                          env={"PATH": str(tmp_path / "bin")})
    assert done.returncode == ExitCode.USAGE
    assert "Install python3" in done.stderr


def test_the_template_lists_every_option_with_default_and_help(tmp_path):
    path = packaging.write_template(tmp_path)
    assert path.name == f"Message_Server_{VERSION}.apd"
    lines = path.read_text().splitlines()
    head = lines[lines.index("[template]") + 1 :][:4]
    assert head == ["name = Message_Server", "type = MessageServer", f"version = {VERSION}", "format = 1"]
    assert "[port:default]" in lines
    assert "[option:clients]" in lines
    for option in OPTIONS:
        at = lines.index(f"[option:{option.section}]")
        key = lines.index(f"{option.key} = {option.default}".rstrip(), at)
        said = [f"; {option.help}"]
        if option.valid_values:
            said.append(f"; Valid Values: {option.valid_values}")
        assert lines[key - len(said):key] == said
