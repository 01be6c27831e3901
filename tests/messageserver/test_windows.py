"""What the package carries for Windows, as far as a machine without Windows can tell."""

import ast
import ctypes
import importlib.util
import struct
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from console.up.windows_launcher import windows_launcher
from hostagent.jobs.startfiles import install_service_bat, start_server_bat
from hostagent.jobs.startparameters import start_parameters
from messageserver import VERSION, packaging, service, system
from messageserver.exits import ExitCode
from protocol import files

X64, CONSOLE = 0x8664, 3
ONLY_ELSEWHERE = {"fcntl", "resource", "pwd", "grp", "termios"}


def test_the_launcher_is_a_console_program_for_64_bit_windows(installed):
    data = (installed / "MessageServer.exe").read_bytes()
    at = struct.unpack_from("<I", data, 0x3C)[0]
    assert data[:2] == b"MZ"
    assert data[at:at + 4] == b"PE\0\0"
    assert struct.unpack_from("<H", data, at + 4)[0] == X64
    assert struct.unpack_from("<H", data, at + 24 + 68)[0] == CONSOLE


def test_behind_the_launcher_stands_which_python_runs_what(installed):
    path = installed / "MessageServer.exe"
    behind = path.read_bytes()[len(windows_launcher()):]
    assert behind.startswith(b"#!/usr/bin/env python\r\nPK")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["__main__.py"]
        assert archive.testzip() is None


def test_what_the_launcher_tells_python_to_run_is_the_server_beside_it(installed, tmp_path, control):
    """The launcher runs ``python MessageServer.exe ARGUMENTS``, wherever it was called from."""
    run = [sys.executable, str(installed / "MessageServer.exe")]
    version = subprocess.run([*run, "-V"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert version.stdout.strip() == f"MessageServer {VERSION}"
    (installed / "application.secret").write_text(control.secret)
    (installed / "application.secret").chmod(0o600)
    checked = subprocess.run([*run, "-host", "127.0.0.1", "-port", str(control.port), "-app", "MS_Primary",
                              "-workdir", str(installed), "-check"], cwd=tmp_path, capture_output=True, text=True,
                             timeout=30, check=False)
    assert checked.returncode == ExitCode.OK, checked.stderr
    assert "knows MS_Primary" in checked.stdout


def test_what_lies_in_the_package_until_install_has_written_it_says_so(installed):
    expected = {"-host": "cfg1", "-port": "2020", "-app": "MS"}
    found = start_parameters((installed / "startServer.bat").read_text(), expected, batch=True)
    assert {parameter.state for parameter in found} == {"placeholder"}
    assert "still has to be written" in (installed / "installService.bat").read_text()


@pytest.mark.parametrize("name", ["MS_Backup", "MS Backup", "100% MS"])
def test_install_writes_both_batch_files_with_the_arguments_of_the_application(name):
    start = start_parameters(start_server_bat("cfg1", 2020, name), {"-host": "cfg1", "-port": "2020", "-app": name},
                             batch=True)
    assert {parameter.state for parameter in start} == {"right"}
    text = install_service_bat("cfg1", 2020, name)
    assert text.count("\r\n") == text.count("\n")
    assert f'-host cfg1 -port 2020 -app \\"{name.replace("%", "%%")}\\" -workdir \\"%~dp0.\\"' in text
    assert f'sc failure "{name.replace("%", "_")}"' in text


def test_no_name_of_an_application_gets_out_of_its_quotes():
    text = install_service_bat("cfg1", 2020, 'a" & format c: & "b')
    create = next(line for line in text.split("\r\n") if line.startswith("sc %VERB%"))
    assert create.startswith('sc %VERB% "a_ & format c: & _b" start=')
    assert '\\\\\\" & format' in create


def test_the_server_imports_nothing_that_windows_lacks_outside_of_those_that_ask_where_they_are():
    server, protocol = Path(system.__file__).parent, Path(files.__file__).parent
    shipped = {*server.glob("*.py"), *(protocol / name for name in packaging.PROTOCOL_MODULES)}
    for path in sorted(shipped - {server / "system.py", protocol / "open_files.py"}):
        names = {alias.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import)
                 for alias in node.names}
        assert not names & ONLY_ELSEWHERE, path.name


def test_the_module_that_knows_windows_can_be_read_there(monkeypatch):
    """As Windows would: without fcntl and resource, with msvcrt."""
    calls = []
    fake = type(sys)("msvcrt")
    fake.LK_NBLCK, fake.locking = 2, lambda *given: calls.append(given)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("system_on_windows", system.__file__)
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)
    with open(__file__) as file:
        number = file.fileno()
        there.lock(number)
    assert calls == [(number, 2, 1)]


# --- as a service


class Manager:
    """Stands for advapi32: calls back as Windows does, in a thread of its own, and keeps what it was told."""

    def __init__(self, asks=()):
        self.asks, self.told, self.asking = list(asks), [], None

    def StartServiceCtrlDispatcherW(self, table):
        thread = threading.Thread(target=table[0].main, args=(0, None))
        thread.start()
        thread.join(20)
        if self.asking is not None:
            self.asking.join(20)
        return not thread.is_alive()

    def RegisterServiceCtrlHandlerExW(self, name, handler, context):
        self.handler = handler
        return 1

    def SetServiceStatus(self, handle, status):
        said = status._obj
        self.told.append((said.state, said.accepted, said.exit_code, said.specific_exit_code))
        if said.state == service.RUNNING and self.asks:
            self.asking = threading.Thread(target=self.ask)
            self.asking.start()
        return 1

    def ask(self):
        self.answers = [self.handler(control, 0, None, None) for control in self.asks]


def test_a_service_runs_until_the_manager_says_stop():
    manager = Manager(asks=[service.CONTROL_INTERROGATE, 99, service.CONTROL_STOP])
    one = service.Service("MS", lambda stop: 0 if stop.wait(20) else 1, manager)
    assert one.dispatch()
    assert (one.exit_code, manager.answers) == (0, [service.NO_ERROR, service.NOT_IMPLEMENTED, service.NO_ERROR])
    assert manager.told == [(service.RUNNING, 5, 0, 0), (service.STOP_PENDING, 0, 0, 0), (service.STOPPED, 0, 0, 0)]


def test_the_exit_code_of_the_server_is_told_so_that_windows_starts_it_again():
    manager = Manager()
    one = service.Service("MS", lambda stop: ExitCode.PORT_IN_USE, manager)
    assert one.dispatch()
    assert manager.told[-1] == (service.STOPPED, 0, service.SERVICE_SPECIFIC_ERROR, ExitCode.PORT_IN_USE)


def test_structures_have_the_sizes_of_winsvc_h():
    assert ctypes.sizeof(service.Status) == 28
    assert ctypes.sizeof(service.Entry) == 2 * ctypes.sizeof(ctypes.c_void_p)


def test_here_a_service_is_refused_with_a_sentence(tmp_path):
    done = subprocess.run([sys.executable, "-m", "messageserver", "-host", "h", "-port", "1", "-app", "a", "-service",
                           "MS"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "MessageServer: -service MS: only Windows has services.\n"
