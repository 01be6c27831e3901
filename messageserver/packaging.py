"""Builds what is installed: the Installation Package and the Application Template file.

Both are deterministic: the same sources and Python version give the same bytes, so a package can be compared by its
checksum.
"""

import gzip
import hashlib
import html
import io
import marshal
import tarfile
import zipfile
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from xml.sax.saxutils import quoteattr

from protocol.client_logins import FORM
from protocol.files import write_atomically

from . import VERSION, windows_package
from .exits import ExitCode
from .options import OPTIONS

NAME = "Message Server"
NICKNAME = "MessageServer"
BUILD_DATE = "2026-11-22"
BUILD_TIME = 1795305600
"""Unix time of BUILD_DATE; every file in the package carries it."""
ZIP_TIME = (2026, 11, 22, 0, 0, 0)
HERE = Path(__file__).parent
NOT_SHIPPED = ("packaging.py", "windows_package.py")
PROTOCOL_MODULES = ("__init__.py", "auth.py", "beats.py", "client_logins.py", "collector.py", "console_logins.py",
                    "controls.py", "dialler.py", "door.py", "drills.py", "epochs.py", "events.py", "files.py",
                    "handshakes.py", "identity.py", "lines.py", "log_files.py", "log_logins.py", "log_publisher.py",
                    "log_queue.py", "log_records.py", "message.py", "open_files.py", "opening_messages.py",
                    "outside.py", "pair_messages.py", "pauses.py", "places.py", "said.py", "server_messages.py",
                    "socket_line.py", "stomp_client.py", "strangers.py", "tasks.py", "throttle.py", "tls.py",
                    "validity.py", "watchdog.py", "wire.py")
PROGRAM = "lib.zip"
MARSHAL_VERSION = 2
"""Later ones write what is used twice by reference, and that depends on what else is in memory."""

LAUNCHER = """#!/bin/sh
# Message Server. Takes the place of this shell (exec), so the process id stays the same.
# A terminal that is closed does not end it.
trap '' HUP
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH='' cd -- "${here:-/}" && pwd -P) || exit 8
python=python3
if [ -r "$here/python.path" ]; then
    named=
    IFS= read -r named < "$here/python.path" || :
    if [ -n "$named" ] && [ -x "$named" ]; then python=$named; fi
fi
if ! command -v "$python" > /dev/null 2>&1; then
    echo "00-05062 MessageServer needs Python 3.11 or newer, and $python is not there. Install python3." >&2
    exit 8
fi
# A check uses nothing but the standard library, and leaves the search for more out.
alone=-I
for word; do
    if [ "$word" = -check ]; then alone=-IS; fi
done
exec "$python" "$alone" "$here/lib.zip" "$@"
"""

STARTER = '''"""Starts the Message Server from the directory it was installed in."""

import gc
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("00-05062 MessageServer needs Python 3.11 or newer; this is %s.\\n" % sys.version.split()[0])
    sys.exit(8)

# Until everything is loaded there is nothing to collect; the server sets it going again.
gc.disable()

from messageserver.main import main  # noqa: E402 - older interpreters cannot read it

sys.exit(main())
'''


def build(directory: Path, windows_launcher: bytes) -> Path:
    """Write the Installation Package into ``directory``; its path. ``windows_launcher``: a program for 64-bit Windows
    that runs the zip appended to it with the Python that its first line names."""
    path = Path(directory) / f"IP_{NICKNAME}_{VERSION}_ENU_linux.tar.gz"
    data = _archive(_files(windows_launcher))
    _replace(path, data)
    return path


def write_template(directory: Path) -> Path:
    """Write the Application Template file into ``directory``; its path."""
    path = Path(directory) / f"Message_Server_{VERSION}.apd"
    _replace(path, template_text().encode())
    return path


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data, mode=0o644, lasting=False)


def _files(windows_launcher: bytes) -> dict[str, tuple[bytes, int]]:
    """Name in the package → content and mode."""
    files = {
        "ip_description.xml": (_description().encode(), 0o644),
        "read_me.html": (_read_me().encode(), 0o644),
        "MessageServer": (LAUNCHER.encode(), 0o755),
        windows_package.PROGRAM: (windows_package.launcher(windows_launcher), 0o644),
        "startServer.bat": (windows_package.START.encode(), 0o644),
        "installService.bat": (windows_package.SERVICE.encode(), 0o644),
        PROGRAM: (_program(), 0o644),
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, (content, _) in sorted(files.items()))
    files["checksums.sha256"] = (sums.encode(), 0o644)
    return files


def _program() -> bytes:
    """What Python runs, in one file: every module as source, and compiled by this Python, whose version the console and
    most hosts have. Any other one reads the sources."""
    sources = {f"messageserver/{p.name}": p.read_bytes() for p in HERE.glob("*.py") if p.name not in NOT_SHIPPED}
    sources |= {f"protocol/{name}": (HERE.parent / "protocol" / name).read_bytes() for name in PROTOCOL_MODULES}
    sources["__main__.py"] = STARTER.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, source in sorted(sources.items()):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), source)
            archive.writestr(zipfile.ZipInfo(f"{name}c", ZIP_TIME), _compiled(name, source))
    return packed.getvalue()


def _compiled(name: str, source: bytes) -> bytes:
    """The content of a .pyc file that Python takes without a look at the source: the package's checksums hold for both.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    unchecked = (1).to_bytes(4, "little")
    return MAGIC_NUMBER + unchecked + source_hash(source) + marshal.dumps(code, MARSHAL_VERSION)


def _archive(files: dict[str, tuple[bytes, int]]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for folder in sorted({str(Path(name).parent) for name in files} - {"."}):
            archive.addfile(_member(folder, 0o755, tarfile.DIRTYPE))
        for name, (content, mode) in sorted(files.items()):
            member = _member(name, mode, tarfile.REGTYPE)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=BUILD_TIME, compresslevel=6) as zipped:
        zipped.write(plain.getvalue())
    return packed.getvalue()


def _member(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.type, member.mtime = mode, kind, BUILD_TIME
    return member


def _description() -> str:
    build_number = VERSION.rpartition(".")[2]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<InstallationPackage FormatVersion="4.0">
  <Product License="NotRequired" AppClass="MessageServer">
    <Release Version={quoteattr(VERSION)} BuildDate={quoteattr(BUILD_DATE)} BuildNumber={quoteattr(build_number)} \
Type="Regular"/>
    <Name><Long>{NAME}</Long><Nickname>{NICKNAME}</Nickname></Name>
    <Language LocaleId="ENU"><Name>English (US)</Name></Language>
    <Description>Accepts, stores and delivers messages and log events over STOMP 1.2; works as a Warm Standby pair.\
</Description>
    <ReleaseNotes Place="IP" WebDBId="" FileName="read_me.html"/>
  </Product>
  <Platforms OSGroupName="Linux">
    <Computer Type="any"><OS Name="Linux" Version="any" CfgOSType="Linux"/></Computer>
  </Platforms>
  <InstallationPgm>
    <Release Version={quoteattr(VERSION)} Date={quoteattr(BUILD_DATE)}/>
    <Name><Long>Pairwise installer</Long><Nickname>PairwiseInstaller</Nickname></Name>
    <Language>ENU</Language>
  </InstallationPgm>
</InstallationPackage>
"""


_MEANINGS = {
    ExitCode.OK: "It was stopped.",
    ExitCode.INTERNAL: "An internal error; the last lines of the log say more.",
    ExitCode.NO_CONFIGURATION_SERVER: "No Configuration Server answered at -host and -port.",
    ExitCode.APPLICATION_NOT_FOUND: "The Configuration Server does not know the name given with -app.",
    ExitCode.ALREADY_RUNNING: "The application runs already.",
    ExitCode.PORT_IN_USE: "A listening port cannot be opened.",
    ExitCode.STORE: "The stored messages cannot be opened.",
    ExitCode.USAGE: "The command line or the application's secret is wrong.",
    ExitCode.REFUSED: "The Configuration Server refused for another reason; the log says which.",
    ExitCode.CONFIGURATION: "The configuration of the application cannot be served.",
}


def _read_me() -> str:
    codes = "".join(f"<tr><td>{code.value}</td><td>{html.escape(text)}</td></tr>\n" for code, text in _MEANINGS.items())
    options = "".join(f"<tr><td>[{o.section}] {o.key}</td><td>{html.escape(o.default) or '&nbsp;'}</td>"
                      f"<td>{html.escape(o.valid_values) or '&nbsp;'}</td><td>{html.escape(o.help)}</td></tr>\n"
                      for o in OPTIONS)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{NAME} {VERSION}</title></head><body>
<h1>{NAME} {VERSION}</h1>
<p>Needs Python 3.11 or newer. Start it with <code>sh run.sh</code> (Linux) or <code>startServer.bat</code> (Windows),
or <code>./MessageServer -host HOST -port PORT -app NAME [-workdir DIRECTORY]</code>, where HOST and PORT are those of
the Configuration Server. <code>installService.bat</code>, run as Administrator, makes it a Windows service; for that
<code>python.exe</code> has to be on the PATH of all users. Messages are kept in <code>data</code> under the
working directory.</p>
<h2>Exit codes</h2><table>{codes}</table>
<h2>Options</h2><table><tr><th>Option</th><th>Default</th><th>Valid Values</th><th>Meaning</th></tr>
{options}</table>
<p>Section [clients]: each key is the login of a STOMP client, its value the passcode, or
{{sha256}}SALT$HEX of a random one. Section [client-rights]: each key is a login, its value what it may: {FORM}.
A login without an entry may everything.</p>
</body></html>
"""


def template_text() -> str:
    """The Application Template as text: [template], the ports to fill in, every option with its help.

    The port for HA Sync is there from the start: a server that gets a backup later needs it.
    """
    lines = ["; Application Template of Message Server.", "[template]", "name = Message_Server",
             "type = MessageServer", f"version = {VERSION}", "format = 1", "", "[port:default]", "port =",
             "protocol = stomp", "ha_sync = false", "description = STOMP clients", "", "[port:sync]", "port =",
             "protocol = sync", "ha_sync = true", "description = The other member of a pair"]
    section = ""
    for option in OPTIONS:
        if option.section != section:
            section = option.section
            lines += ["", f"[option:{section}]"]
        lines.append(f"; {option.help}")
        if option.valid_values:
            lines.append(f"; Valid Values: {option.valid_values}")
        lines.append(f"{option.key} = {option.default}".rstrip())
    lines += ["", "[option:clients]", "; Logins of STOMP clients: login = passcode.", "", "[option:client-rights]",
              f"; What logins may: login = {FORM}."]
    return "\n".join(lines) + "\n"
