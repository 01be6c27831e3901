"""The Installation Package and the Application Template file."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from console.up.windows_launcher import windows_launcher
from messageserver import VERSION, packaging
from messageserver.exits import ExitCode
from messageserver.options import OPTIONS

from .conftest import ServerProcess
from .control_double import WAIT_S

ROOT = Path(__file__).resolve().parents[2]


def test_the_same_sources_give_the_same_bytes(tmp_path):
    first, second = (packaging.build(tmp_path / name, windows_launcher()) for name in "ab")
    assert first.name == f"IP_MessageServer_{VERSION}_ENU_linux.tar.gz"
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_what_is_compiled_does_not_depend_on_the_process_that_did_it(tmp_path, seed):
    build = ("import pathlib, sys; from messageserver import packaging; "
             "packaging.build(pathlib.Path(sys.argv[1]), b'program')")
    subprocess.run([sys.executable, "-c", build, str(tmp_path / "other")], check=True, cwd=ROOT, timeout=WAIT_S,
                   env={**os.environ, "PYTHONHASHSEED": seed})
    own = packaging.build(tmp_path / "own", b"program")
    assert own.read_bytes() == (tmp_path / "other" / own.name).read_bytes()


def loaded(installed, python=sys.executable):
    """{module: its file} of what a check loads, with ``python``."""
    code = ("import sys; sys.path.insert(0, 'lib.zip'); import messageserver.main\n"
            "for name, module in list(sys.modules.items()): print(name, getattr(module, '__file__', ''))")
    done = subprocess.run([python, "-I", "-S", "-c", code], cwd=installed, capture_output=True, text=True, check=True,
                          timeout=WAIT_S)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_a_check_loads_compiled_modules_and_little_else(installed):
    modules = loaded(installed)
    own = {name: file for name, file in modules.items() if name.partition(".")[0] in ("messageserver", "protocol")}
    assert own
    assert all(file.endswith(".pyc") for file in own.values())
    assert not modules.keys() & {"asyncio", "argparse", "sqlite3", "messageserver.server"}


def test_another_python_reads_the_sources(installed):
    with zipfile.ZipFile(installed / "lib.zip") as program:
        files = {name: program.read(name) for name in program.namelist()}
    with zipfile.ZipFile(installed / "lib.zip", "w") as program:
        for name, content in files.items():
            program.writestr(name, b"\0\0\r\n" + content[4:] if name.endswith(".pyc") else content)
    assert loaded(installed)["messageserver.main"].endswith("main.py")


def test_what_is_inside(installed):
    top = sorted(p.name for p in installed.iterdir())
    assert top == ["MessageServer", "MessageServer.exe", "checksums.sha256", "installService.bat", "ip_description.xml",
                   "lib.zip", "read_me.html", "startServer.bat"]
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
    with zipfile.ZipFile(installed / "lib.zip") as program:
        modules = set(program.namelist())
    assert "messageserver/server.py" in modules
    assert not modules & {"messageserver/packaging.py", "messageserver/windows_package.py"}


def test_every_exit_code_and_option_is_in_the_read_me(installed):
    text = (installed / "read_me.html").read_text()
    for code in ExitCode:
        assert f"<td>{code.value}</td>" in text
    for option in OPTIONS:
        assert f"[{option.section}] {option.key}<" in text


def test_the_launcher_becomes_the_server_it_starts(installed, port, control):
    (installed / "python.path").write_text(sys.executable + "\n")
    server = ServerProcess.__new__(ServerProcess)
    server.directory, server.control, server.port, server._preexec = installed, control, port, None
    (installed / "application.secret").write_text(control.secret)
    (installed / "application.secret").chmod(0o600)
    server.command = [str(installed / "MessageServer"), "-host", "127.0.0.1", "-port", str(control.port), "-app",
                      "MS_Primary", "-workdir", str(installed)]
    server.start()
    with server.serving():
        assert control.hellos[0].pid == server.process.pid
        with server.client() as client:
            assert client.acked("/topic/a", b"x") == 1
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


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
