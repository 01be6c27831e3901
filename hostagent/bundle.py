"""Builds what a joining host fetches: the agent with everything it imports, as one archive, and the join program.

Repacked from the distributions that are installed beside this program, file by file as their RECORD lists them. The
same distributions and sources give the same bytes; each file is checked against its RECORD before it is packed.
"""

import base64
import gzip
import hashlib
import importlib.metadata
import io
import json
import platform
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from protocol import joining
from protocol.files import write_atomically
from protocol.version import VERSION

from .bundled import ASYNC_TIMEOUT, BOOTER, PROGRAMS, REMOVER, STARTER

ROOTS = ("celery[redis]", "psutil")
"""What ``hostagent`` imports; what these need comes with them."""
SOURCES = ("hostagent", "protocol")
STOOD_IN_FOR, STAND_IN = "async-timeout", "async_timeout/__init__.py"
"""Asked for on some Pythons only, perhaps not on the one of this machine: what is packed brings one for all."""
PROJECT = Path(__file__).resolve().parent.parent
BUILD_TIME = 1795305600
"""Unix time that every file in the archive carries."""
PYTHON_LEAST = (3, 11)
FACTS, ARCHIVE, PROGRAM = "bundle.json", "bundle.tar.gz", "join.py"
_FACTS_LINE = 'BUNDLE: "dict[str, Any]" = {}\n'
_WORDS_LINE = "from protocol.joining import DISK, PROGRAM\n"
"""What the program has in it instead of these lines of its source: nothing else of Pairwise is where it runs."""
_EXACT = re.compile(r"\.cpython-(\d)(\d+)[^/]*\.so\Z")


class Damaged(Exception):
    """An installed distribution is not what its RECORD says. The text is a sentence that says what to do."""


def build(directory: Path, *, ca: str = "", console_ca: str = "") -> dict[str, Any]:
    """Write archive, join program and facts into ``directory`` unless they are there already; the facts.

    ``ca`` and ``console_ca`` are the authorities (PEM) by which hosts verify control and the web console: they are part
    of the program, so what pins the program pins them. Raises Damaged.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    trust = {"ca": ca, "console_ca": console_ca}
    inputs = hashlib.sha256(f"{fingerprint()} {json.dumps(trust)}".encode()).hexdigest()
    facts = _kept(directory, inputs)
    if facts is None:
        data, about = archive(files())
        about |= trust
        program = join_program(about)
        facts = {**about, "inputs": inputs, "program_sha256": hashlib.sha256(program).hexdigest()}
        write_atomically(directory / ARCHIVE, data, mode=0o644, lasting=False)
        write_atomically(directory / PROGRAM, program, mode=0o644, lasting=False)
        # Last: it says that the others are whole.
        write_atomically(directory / FACTS, json.dumps(facts, sort_keys=True).encode(), mode=0o644, lasting=False)
    return facts


def join_program(about: dict[str, Any]) -> bytes:
    """The program that joins a machine, with what it has to know of the archive."""
    source = Path(__file__).with_name(PROGRAM).read_text()
    words = Path(joining.__file__).read_text()
    for line, instead in ((_WORDS_LINE, words), (_FACTS_LINE, f"BUNDLE = {json.dumps(about, sort_keys=True)}\n")):
        source = source.replace(line, instead, 1)
    return source.encode()


def _kept(directory: Path, inputs: str) -> dict[str, Any] | None:
    try:
        facts = json.loads((directory / FACTS).read_bytes())
        whole = (directory / ARCHIVE).stat().st_size == facts["size"]
        program = hashlib.sha256((directory / PROGRAM).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    return facts if whole and facts["inputs"] == inputs and program == facts["program_sha256"] else None


def distributions() -> list[importlib.metadata.Distribution]:
    """The distributions of ROOTS and of everything that they need on this machine, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(root) for root in ROOTS]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name == STOOD_IN_FOR:
            continue
        for extra in {"", *wanted.extras} - {extra for other, extra in seen if other == name}:
            seen.add((name, extra))
            found[name] = importlib.metadata.distribution(name)
            for requirement in map(Requirement, found[name].requires or ()):
                if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                    waiting.append(requirement)
    return [found[name] for name in sorted(found)]


def _own() -> Iterator[tuple[str, bytes]]:
    for package in SOURCES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            if path == Path(__file__):
                continue
            yield path.relative_to(PROJECT).as_posix(), path.read_bytes()


def fingerprint() -> str:
    """Of everything that goes into the archive, without reading the distributions' files."""
    digest = hashlib.sha256()
    for distribution in distributions():
        digest.update((distribution.read_text("RECORD") or "").encode())
    for name, data in _own():
        digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    digest.update(f"{sys.version_info[:2]} {platform.machine()} {STARTER}{REMOVER}{BOOTER}{ASYNC_TIMEOUT}".encode())
    return digest.hexdigest()


def listed_files(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, Path, bytes]]:
    """(path below site-packages, file, content) of what ``distribution`` lists with a digest, without scripts and what
    was compiled. Raises Damaged."""
    name = distribution.metadata["Name"]
    for entry in distribution.files or ():
        path = entry.as_posix()
        if path.startswith(("..", "/")) or "__pycache__" in entry.parts or path.endswith(".pth"):
            continue
        if entry.hash is None:
            continue  # only RECORD itself and what an installer added have none
        file = Path(entry.locate())
        data = file.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.new(entry.hash.mode, data).digest()).rstrip(b"=").decode()
        if digest != entry.hash.value:
            raise Damaged(f"{path} of the installed package {name} was changed after it was installed: remove "
                          ".venv, then run ./run again.")
        yield path, file, data


def files() -> dict[str, bytes]:
    """Path in the archive → content. Raises Damaged."""
    found = {f"lib/{name}": data for name, data in _own()}
    for distribution in distributions():
        found.update((f"lib/{path}", data) for path, _, data in listed_files(distribution))
    found[f"lib/{STAND_IN}"] = ASYNC_TIMEOUT.encode()
    return found | {name: program.encode() for name, program in PROGRAMS.items()}


def archive(content: dict[str, bytes]) -> tuple[bytes, dict[str, Any]]:
    """The archive of ``content``, and what the join program has to know of it."""
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())}
    manifest = json.dumps({"version": VERSION, "files": listed}, sort_keys=True, indent=0).encode()
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in {"MANIFEST.json": manifest, **dict(sorted(content.items()))}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o644, BUILD_TIME
            tar.addfile(entry, io.BytesIO(data))
    data = raw.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    return data, {"version": VERSION, "name": f"{VERSION}-{hashlib.sha256(manifest).hexdigest()[:12]}",
                  "sha256": sha256, "size": len(data), **needs(content)}


def needs(content: dict[str, bytes]) -> dict[str, Any]:
    """What a machine must be to run ``content``: least Python, the one Python of its compiled parts ("" for any),
    system and machine of its compiled parts ("" without any)."""
    compiled = [name for name in content if name.endswith(".so")]
    exact = {f"{match[1]}.{match[2]}" for name in compiled if (match := _EXACT.search(name))}
    return {"python_least": ".".join(map(str, PYTHON_LEAST)), "python_exact": min(exact, default=""),
            "system": platform.system(), "machine": platform.machine() if compiled else "",
            "libc": platform.libc_ver()[0] if compiled else ""}
