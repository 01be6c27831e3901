"""Joins this machine to a Pairwise console: fetches the agent from the console, checks it, and starts it.

    echo TOKEN | python3 join.py --console URL      again with a new token: upgrade in place

The console serves this program with the facts of its bundle in BUNDLE; the line on the host's page checks its SHA-256,
and BUNDLE has the one of everything else. Standard library only: nothing else of Pairwise is on the machine yet. After
unpacking it becomes ``enrol.py`` of the bundle, which goes on (``hostagent.enrol``).
"""

import argparse
import contextlib
import errno
import hashlib
import http.client
import io
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from protocol.joining import DISK, PROGRAM

# Quoted, as below: a Python that is too old for the agent reads this program to the end, and is told so by it.
BUNDLE: "dict[str, Any]" = {}
DIRECTORY = Path("/opt/pairwise-agent")
ANSWER_S, REPORT_S = 60.0, 10.0
ANSWER_BYTES = 64 * 2**20
INTERRUPTED = 130
LINE_AGAIN = "Paste the line again, or a new one where the token was used."
COMMAND_AGAIN = "Run the command again."
CERTIFICATE = {9: "not yet", 11: "not yet", 10: "expired", 12: "expired", 62: "other name", 64: "other name"}
"""Codes of X509_verify_cert, and what is said of them; any other one is of the authority."""


class Stop(Exception):
    """It cannot go on. The text is a sentence that says what to do."""


class Unreached(Stop):
    """The console does not answer as itself, so that it cannot be told of it."""


class NowhereElse(urllib.request.HTTPRedirectHandler):
    """Who is sent to another place does not go: what proves this machine is for the console alone."""

    def redirect_request(self, *_: object) -> None:
        return None


class Console:
    """Proves itself with the token. ``authority`` (PEM) is the only one that the console is verified by, "" for those
    that this machine trusts; ``context`` is for who verifies in another way."""

    def __init__(self, url: str, token: str, authority: str = "", context: "ssl.SSLContext | None" = None) -> None:
        self.url, self.token, self.has_authority = url.rstrip("/"), token, bool(authority)
        context = context or ssl.create_default_context(cadata=authority or None)
        # As the agent does: hosts reach their console directly.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NowhereElse,
                                                   urllib.request.HTTPSHandler(context=context))

    def get(self, path: str, within_s: float = ANSWER_S) -> bytes:
        """The body of the answer. Raises Stop."""
        return self._send("GET", path, None, within_s)

    def post(self, path: str, body: "dict[str, Any]", within_s: float = ANSWER_S) -> Any:
        """The answer's JSON object. Raises Stop."""
        try:
            answer = json.loads(self._send("POST", path, body, within_s))
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._other_answer()
        return answer

    def report(self, stage: str, state: str, text: str) -> Any:
        """What the host's page shows. Raises Stop."""
        return self.post("/join/stage", {"stage": stage, "state": state, "text": text[:1000]}, REPORT_S)

    def proof(self, method: str, path: str, data: bytes) -> "dict[str, str]":
        """Headers that say who asks, and sends ``data``."""
        return {"Authorization": f"Bearer {self.token}"}

    def _send(self, method: str, path: str, body: "dict[str, Any] | None", within_s: float) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.proof(method, path, data or b"")}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=within_s) as answer:
                content: bytes = answer.read(ANSWER_BYTES + 1)
            if len(content) > ANSWER_BYTES:
                raise self._other_answer()
            return content
        except urllib.error.HTTPError as error:
            if error.code < 400:
                raise self._other_answer() from None
            text = error.read(2000).decode("utf-8", "replace").strip()
            if text and error.headers.get_content_type() == "text/plain":
                raise Stop(text) from None
            raise Unreached(self.unreached(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreached(self.unreached(error)) from None

    def _other_answer(self) -> Unreached:
        return Unreached(f"The console at {self.url} {PROGRAM['no answer of its own']}")

    def unreached(self, error: Exception) -> str:
        """What is said of ``error`` on the way to the console."""
        why: Any = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(why, ssl.SSLCertVerificationError):
            authority = "other authority" if self.has_authority else "unknown authority"
            key, why = CERTIFICATE.get(why.verify_code, authority), why.verify_message.rstrip(".")
        else:
            names = (type(error).__name__, *(kind.__name__ for kind in type(why).__mro__), "BaseException")
            key = next(name for name in names if name in PROGRAM)
        shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return f"The console at {self.url} {PROGRAM[key].format(error, why, shown)}"


@contextlib.contextmanager
def stage(console: Console, name: str, label: str) -> "Iterator[list[str]]":
    """Say what is done here and to the console; ``said`` gets the facts. Raises Stop."""
    said: list[str] = []
    try:
        yield said
    except (OSError, EOFError, ValueError, KeyError, tarfile.TarError, subprocess.SubprocessError) as error:
        helps = DISK.get(errno.errorcode.get(getattr(error, "errno", None) or 0, ""), "")
        stop = Stop(f"{label} failed: {error or type(error).__name__}. {helps}".rstrip())
        _tell(console, name, "failed", str(stop))
        raise stop from error
    except Unreached:
        raise
    except Stop as stop:
        _tell(console, name, "failed", str(stop))
        raise
    print(f"  {label}: {' '.join(said) or 'done'}", flush=True)
    _tell(console, name, "done", " ".join(said))


def _tell(console: Console, name: str, state: str, text: str) -> None:
    try:
        console.report(name, state, text)
    except Stop as stop:
        print(f"  (the console was not told: {stop})", file=sys.stderr)


def fetch_all(console: Console, directory: Path) -> Path:
    """Machine, fetch, check, unpack; each is reported. The directory of the unpacked bundle. Raises Stop."""
    # The first word: a token that is refused ends it here, before anything was changed.
    first = console.report("machine", "running", "")
    with stage(console, "machine", "Machine") as said:
        said.append(check_machine())
        # Before the token is used up: what it signs from then on is of this time.
        check_clock(first["now"], first["within_s"])
        prepare(directory, first["host"])
    with stage(console, "fetch", "Fetched") as said:
        began = time.monotonic()
        archive = console.get("/join/bundle")
        said.append(f"{len(archive) / 1e6:.1f} MB in {time.monotonic() - began:.1f} s.")
    with stage(console, "check", "Checked") as said:
        content = check(archive)
        said.append(f"{len(content)} files, the SHA-256 of each is as the console says.")
    with stage(console, "unpack", "Unpacked") as said:
        target = directory / str(BUNDLE["name"])
        unpack(content, target)
        said.append(f"Into {target}.")
    return target


def check_machine() -> str:
    """What this machine is. Raises Stop when the bundle cannot run on it."""
    here = ".".join(map(str, sys.version_info[:3]))
    least = tuple(map(int, BUNDLE["python_least"].split(".")))
    exact, system, machine, libc = (BUNDLE[name] for name in ("python_exact", "system", "machine", "libc"))
    if sys.version_info < least:
        raise Stop(f"The agent needs Python {BUNDLE['python_least']} or newer, and this is Python {here} "
                   f"({sys.executable}). Install a newer Python and paste the line with it in place of python3.")
    if exact and exact != ".".join(map(str, sys.version_info[:2])):
        raise Stop(f"The console's agent has parts that were compiled for Python {exact}, and this is Python {here}. "
                   f"Paste the line with python{exact} in place of python3.")
    if system != platform.system() or (machine and machine != platform.machine()):
        raise Stop(f"The console's agent has parts that were compiled for {system} on {machine}, and this machine is "
                   f"{platform.system()} on {platform.machine()}. It cannot run the agent of this console.")
    if libc and libc != platform.libc_ver()[0]:
        raise Stop(f"The console's agent was compiled for {libc}, which this machine does not have (musl?). It cannot "
                   "run the agent of this console.")
    return f"Python {here}, {platform.system()} on {platform.machine()}."


def check_clock(console_s: float, within_s: float) -> None:
    """``console_s``: the console's time, just now. Raises Stop."""
    off_s = time.time() - console_s
    if abs(off_s) > within_s:
        apart = f"{abs(off_s):.0f} s" if abs(off_s) < 7200 else f"{abs(off_s) / 3600:.0f} hours"
        raise Stop(f"The clock of this machine is {apart} {'ahead of' if off_s > 0 else 'behind'} that of the console, "
                   f"which takes {within_s:.0f} s at most. Set it (timedatectl set-ntp true) and paste the same line "
                   "again.")


def prepare(directory: Path, host: str) -> None:
    """Make ``directory``, unless another host lives in it. Raises Stop."""
    kept = read_config(directory)
    if kept is not None and kept.get("host") != host:
        raise Stop(f"This machine joined as host {kept.get('host')} already. Remove that agent first ({sys.executable} "
                   f"{directory}/current/remove.py), or add --directory DIRECTORY to the line.")
    try:
        make(directory)
        (directory / ".writable").touch()
        (directory / ".writable").unlink()
    except PermissionError:
        raise Stop(f"This account may not write into {directory}. Paste the line as root, or add --directory with a "
                   "directory of this account.") from None


def make(directory: Path) -> None:
    """``directory`` and those above it that are not there, with mode 0755 whatever the umask: accounts of servers have
    to come through."""
    for each in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        each.mkdir(mode=0o755, exist_ok=True)
        each.chmod(0o755)


def read_config(directory: Path) -> "dict[str, Any] | None":
    try:
        body = json.loads((directory / "agent.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return body if isinstance(body, dict) else None


def check(archive: bytes) -> "dict[str, bytes]":
    """Path → content of the bundle, each file as its manifest says. Raises Stop."""
    wrong = "Nothing was installed. Reload the host's page and paste its line again."
    if hashlib.sha256(archive).hexdigest() != BUNDLE["sha256"]:
        raise Stop(f"What was fetched is not the agent that the console's program promised: {len(archive)} bytes with "
                   f"another SHA-256. {wrong}")
    content = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for entry in tar:
            parts = Path(entry.name).parts
            file = tar.extractfile(entry) if entry.isreg() else None
            if file is None or entry.name.startswith("/") or ".." in parts:
                raise Stop(f"The archive holds {entry.name}, which is no plain file inside it. {wrong}")
            content[entry.name] = file.read()
    listed = json.loads(content.pop("MANIFEST.json"))["files"]
    found = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    if found != listed:
        name = sorted(set(found.items()) ^ set(listed.items()))[0][0]
        raise Stop(f"{name} is not what the manifest lists. {wrong}")
    return content


def unpack(content: "dict[str, bytes]", target: Path) -> None:
    """Write ``content`` to ``target``: whole or not at all."""
    if target.is_dir() and all((target / name).is_file() and (target / name).read_bytes() == data
                               for name, data in content.items()):
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        for name, data in content.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if target.exists():
            # Somebody changed it; the running agent may still read from it.
            target.rename(target.with_name(f"{target.name}.damaged-{int(time.time())}"))
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def main(arguments: "list[str] | None" = None) -> int:
    parser = argparse.ArgumentParser(prog="join.py", description="Join this machine to a Pairwise console. The token "
                                     "is read from standard input.")
    parser.add_argument("--console", metavar="URL", required=True, help="address of the console")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help=f"where the agent lives ({DIRECTORY})")
    options = parser.parse_args(arguments)
    directory, token = options.directory.absolute(), sys.stdin.readline().strip()
    # What is written here runs as this account: nobody else may write to it, wherever the line was pasted.
    os.umask(0o022)
    target: list[Path] = []

    def fetch() -> None:
        if not token or not BUNDLE:
            raise Stop("The token is missing: paste the whole line that the host's page in the console shows.")
        target.append(fetch_all(Console(options.console, token, BUNDLE["console_ca"]), directory))

    code = ended(fetch)
    if code:
        return code
    go_on(target[0] / "enrol.py",
          {"console": options.console, "token": token, "directory": str(directory), "bundle": BUNDLE})


def ended(work: "Callable[[], Any]", again: str = LINE_AGAIN) -> int:
    """The exit code of ``work``. What stops it is said in a sentence, and nothing else of it. ``again``: what helps
    where nobody knows more."""
    try:
        work()
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Nothing more was done. {again}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        print(f"Something went wrong that Pairwise did not expect ({type(error).__name__}: {error}). {again} When "
              "it says so again, report this sentence.", file=sys.stderr)
        return 1
    return 0


def go_on(program: Path, given: "dict[str, Any]") -> NoReturn:
    """This process becomes ``program``, which reads ``given`` from standard input: arguments are seen by everybody. A
    pipe would hold no more than 64 KB, and authorities may be as many as a system trusts."""
    with open(os.memfd_create("given"), "wb") as file:
        file.write(json.dumps(given).encode())
        file.seek(0)
        os.dup2(file.fileno(), sys.stdin.fileno())
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-I", str(program)])


if __name__ == "__main__":
    sys.exit(main())
