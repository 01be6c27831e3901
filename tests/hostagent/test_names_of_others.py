"""Holds that what works in an application's directory does it by what it opened (``hostagent.opened``), not by paths.

The account of a server owns its directory: between two uses of a path it can put something else there.
"""

import ast
from pathlib import Path

import pytest

HOSTAGENT = Path(__file__).resolve().parents[2] / "hostagent"

OPENS = {"opened.py", "ways.py"}
OWN = {
    "__init__.py", "__main__.py", "agent.py", "asked.py", "boot.py", "bundle.py", "bundled.py", "celery.py",
    "config.py", "control_link.py", "directories.py", "enrol.py", "files.py", "heartbeats.py",
    "host_worker.py", "identity.py", "join.py", "kept.py", "lca.py", "pool_end.py", "process.py", "processes.py",
    "reconnection.py", "signs.py", "state.py", "supervision.py", "surroundings.py", "trust.py", "worker.py",
    "jobs/cancel.py", "jobs/context.py", "jobs/errors.py", "jobs/fetch.py", "jobs/frame.py", "jobs/janitor.py",
    "jobs/journal.py", "jobs/lca_client.py", "jobs/refusals.py", "jobs/reporter.py", "jobs/sender.py",
}
"""These work in directories of the agent's own, which nobody else can write, or not with files at all."""
ALLOWED = {
    "launch.py": {"os.path.isdir", "os.path.isfile", "os.access", "shutil.which", "shutil.rmtree", ".mkdir",
                  "os.mkfifo", "os.open", "os.rename", ".exists", ".iterdir", "read_json", "write_json"},
    "shim.py": {"open", "os.open", "os.replace", "os.rename"},
    "removal.py": {".exists", ".is_dir", ".read_text", ".write_text", ".unlink"},
    "jobs/install.py": {".read_text"},
    "packaged.py": {".read_text"},
    "jobs/make_certificates.py": {"write_atomically"},
    "jobs/collect_facts.py": {"read_json", "write_json"},
    "jobs/target.py": {"os.access", "os.stat"},
    "looking/files.py": {"shutil.which"},
    "looking/listeners.py": {"open", "os.scandir", "os.readlink", "os.listdir", ".read_text"},
    "looking/process.py": {"open", "os.stat"},
    "looking/rights.py": {"os.getxattr", "os.statvfs"},
}
"""What others than ``OWN`` do by paths all the same: in run directories of the agent, which are its own; a look at
what is to be started, which is then run as its account; an authority and certificates in directories of the
agent; the units of systemd; /proc; the deepest directory that is there, by its descriptor."""

BY_PATH = {
    "os": {"access", "chmod", "chown", "lchown", "getxattr", "lstat", "link", "listdir", "makedirs", "mkdir", "mkfifo",
           "mknod", "open", "readlink", "remove", "removedirs", "rename", "renames", "replace", "rmdir", "scandir",
           "setxattr", "stat", "statvfs", "symlink", "truncate", "unlink", "utime", "walk", "fwalk"},
    "os.path": {"exists", "getmtime", "getsize", "isdir", "isfile", "islink", "ismount", "lexists", "realpath",
                "samefile"},
    "shutil": {"chown", "copy", "copy2", "copyfile", "copymode", "copystat", "copytree", "disk_usage", "move", "rmtree",
               "which", "make_archive", "unpack_archive"},
    "glob": {"glob", "iglob"},
    "io": {"open"},
    "tarfile": {"open"},
    "Path": {"cwd"},
}
METHODS = {"chmod", "exists", "expanduser", "glob", "hardlink_to", "is_dir", "is_file", "is_mount",
           "is_symlink", "iterdir", "lchmod", "lstat", "mkdir", "open", "owner", "read_bytes", "read_text", "readlink",
           "rename", "resolve", "rglob", "rmdir", "samefile", "stat", "symlink_to", "touch", "unlink", "write_bytes",
           "write_text"}
"""Of paths. ``Directory`` has other names for what it does, so that a reader, and this test, can tell."""
FUNCTIONS = {"open", "read_json", "sync_directory", "tail", "keep_bounded", "write_atomically", "write_json"}
MODULES = {*BY_PATH, "posixpath", "subprocess", "tempfile"}


def by_path(source: str) -> set[str]:
    """What a module calls that goes by a path."""
    return {name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and (name := called(node))}


def called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in FUNCTIONS else ""
    if not isinstance(node.func, ast.Attribute):
        return ""
    of, name = ast.unparse(node.func.value), node.func.attr
    if of in MODULES:
        return f"{of}.{name}" if name in BY_PATH.get(of, ()) else ""
    # Path.replace has one argument, str.replace two.
    one_of_paths = name == "replace" and len(node.args) + len(node.keywords) == 1
    return f".{name}" if name in METHODS or one_of_paths else ""


def checked() -> list[str]:
    every = {path.relative_to(HOSTAGENT).as_posix() for path in HOSTAGENT.rglob("*.py")}
    assert every >= OPENS | OWN | ALLOWED.keys(), "a module that is named here is gone"
    return sorted(every - OPENS - OWN)


@pytest.mark.parametrize("name", checked())
def test_what_works_in_an_applications_directory_goes_by_what_it_opened(name):
    assert by_path((HOSTAGENT / name).read_text()) <= ALLOWED.get(name, set())


def test_nothing_is_allowed_that_is_not_done():
    for name, calls in ALLOWED.items():
        assert calls <= by_path((HOSTAGENT / name).read_text()), name


@pytest.mark.parametrize("line", [
    "os.rename(a, b)", "os.chown(a, 1, 1)", "shutil.rmtree(a)", "open(a)", "Path(a).read_text()", "place.iterdir()",
    "(place / 'x').mkdir()", "os.path.realpath(a)", "a.replace(b)", "write_atomically(a, b)", "os.statvfs(a)"])
def test_each_way_to_go_by_a_path_is_found(line):
    assert by_path(line)


def test_what_does_not_go_by_a_path_is_not_taken_for_it():
    assert not by_path("a.replace('x', 'y'); os.fstat(1); os.path.join(a, b); place.move(a, to, b); place.names()")
