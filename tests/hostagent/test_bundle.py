"""What a joining machine fetches, and the first half of joining: fetch, check, unpack."""

import ast
import hashlib
import io
import json
import subprocess
import sys
import tarfile

import pytest

from hostagent import bundle, join


@pytest.fixture(scope="module")
def content():
    return bundle.files()


@pytest.fixture
def promised(monkeypatch):
    """``promised(archive)`` makes it the one that the program was told of."""
    def promise(data):
        monkeypatch.setattr(join, "BUNDLE", {**bundle.archive({})[1], "sha256": hashlib.sha256(data).hexdigest()})
        return data

    return promise


def packed(*entries):
    """An archive of (TarInfo or name, content)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for entry, data in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def manifest(**files):
    return "MANIFEST.json", json.dumps({"files": {name: hashlib.sha256(data).hexdigest()
                                                  for name, data in files.items()}}).encode()


def test_the_same_content_gives_the_same_bytes(content):
    data, facts = bundle.archive(content)
    again, same = bundle.archive(dict(reversed(content.items())))
    assert data == again
    assert facts == same
    assert facts["size"] == len(data)


def test_the_bundle_holds_the_agent_and_nothing_of_the_console(content):
    assert {"agent.py", "remove.py", "lib/hostagent/agent.py", "lib/protocol/wire.py", "lib/celery/__init__.py",
            "lib/packaging/version.py", "lib/async_timeout/__init__.py"} <= content.keys()
    assert not [name for name in content if name.startswith(("lib/django", "lib/provisioning", "lib/console"))]
    assert not [name for name in content if "__pycache__" in name or ".." in name or name.startswith("/")]


def test_the_agent_and_its_worker_start_from_the_bundle_alone(content, tmp_path):
    join.unpack(content, tmp_path / "agent")
    done = subprocess.run([sys.executable, "-I", "-S", str(tmp_path / "agent" / "agent.py"), "--version"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == bundle.VERSION
    imports = "import celery.bin.celery, kombu.transport.redis, hostagent.worker, hostagent.jobs.frame, psutil"
    subprocess.run([sys.executable, "-S", "-c", imports], env={"PYTHONPATH": str(tmp_path / "agent" / "lib")},
                   check=True)


def test_it_is_built_once_and_again_when_a_part_was_damaged(tmp_path):
    facts = bundle.build(tmp_path)
    built = (tmp_path / "bundle.tar.gz").stat().st_mtime_ns
    assert bundle.build(tmp_path) == facts
    assert (tmp_path / "bundle.tar.gz").stat().st_mtime_ns == built
    (tmp_path / "join.py").write_text("something else")
    assert bundle.build(tmp_path) == facts
    program = (tmp_path / "join.py").read_bytes()
    assert hashlib.sha256(program).hexdigest() == facts["program_sha256"]
    assert facts["sha256"].encode() in program


def test_a_package_that_was_changed_after_it_was_installed_is_refused(monkeypatch, tmp_path):
    package = tmp_path / "changed-1.dist-info"
    package.mkdir()
    (tmp_path / "changed.py").write_text("changed = 1\n")
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: changed\nVersion: 1\n")
    (package / "RECORD").write_text("changed.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(bundle, "ROOTS", ("changed",))
    with pytest.raises(bundle.Damaged, match=r"changed\.py of the installed package changed was changed"):
        bundle.files()


@pytest.mark.parametrize(("names", "exact", "machine"), [
    (("a.py",), "", False), (("a.abi3.so",), "", True), (("b/x.cpython-311-x86_64-linux-gnu.so",), "3.11", True),
])
def test_what_a_machine_must_be_follows_from_the_compiled_parts(names, exact, machine):
    found = bundle.needs(dict.fromkeys(names, b""))
    assert found["python_exact"] == exact
    assert bool(found["machine"]) is machine


# --- the program on the machine


def test_what_was_packed_is_what_is_unpacked(content, promised, tmp_path):
    data = promised(bundle.archive(content)[0])
    found = join.check(data)
    assert found == content
    join.unpack(found, tmp_path / "new")
    assert (tmp_path / "new" / "agent.py").read_bytes() == content["agent.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_another_archive_than_the_promised_one_is_refused(content, promised):
    data = bytearray(promised(bundle.archive(content)[0]))
    data[len(data) // 2] ^= 1
    with pytest.raises(join.Stop, match="not the agent that the console's program promised"):
        join.check(bytes(data))


@pytest.mark.parametrize("entries", [
    [manifest(a=b"1"), ("a", b"2")], [manifest(a=b"1"), ("a", b"1"), ("b", b"1")],
    [manifest(a=b"1", b=b"2"), ("a", b"1")],
])
def test_files_that_are_not_as_the_manifest_says_are_refused(promised, entries):
    with pytest.raises(join.Stop, match="is not what the manifest lists"):
        join.check(promised(packed(*entries)))


def _link():
    link = tarfile.TarInfo("a")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return link


@pytest.mark.parametrize("entry", ["../a", "/a", "b/../../a", _link()])
def test_files_outside_of_the_directory_are_refused(promised, entry):
    with pytest.raises(join.Stop, match="no plain file inside it"):
        join.check(promised(packed(manifest(), (entry, b""))))


def test_a_directory_that_somebody_changed_is_put_aside(tmp_path):
    target = tmp_path / "v1"
    join.unpack({"a": b"1"}, target)
    (target / "a").write_bytes(b"2")
    join.unpack({"a": b"1"}, target)
    assert (target / "a").read_bytes() == b"1"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("needs", "sentence"), [
    ({"python_least": "99.1"}, "needs Python 99.1 or newer"),
    ({"python_exact": "3.99"}, "Paste the line with python3.99 in place of python3."),
    ({"machine": "vax"}, "compiled for Linux on vax"),
    ({"libc": "musl"}, "compiled for musl"),
])
def test_a_machine_that_does_not_suit_is_told_what_to_do(monkeypatch, needs, sentence):
    monkeypatch.setattr(join, "BUNDLE", {**bundle.needs({}), **needs})
    with pytest.raises(join.Stop, match=sentence):
        join.check_machine()


@pytest.fixture
def program():
    return bundle.join_program(bundle.archive({})[1])


def test_a_python_that_is_too_old_reads_the_program_as_far_as_to_say_so(program):
    tree = ast.parse(program, feature_version=(3, 6))
    # Those of a function's own names are never looked at.
    said = [each.annotation for each in tree.body if isinstance(each, ast.AnnAssign)]
    said += [each.annotation for each in ast.walk(tree) if isinstance(each, ast.arg) and each.annotation]
    said += [each.returns for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.returns]
    # As values neither list[str] nor X | None is known there: they have to be quoted.
    assert [ast.unparse(each) for each in said if not isinstance(each, ast.Name | ast.Constant)] == []


def test_a_directory_of_another_host_is_left_alone(tmp_path):
    (tmp_path / "agent.json").write_text('{"host": "alpha"}')
    with pytest.raises(join.Stop, match="joined as host alpha already"):
        join.prepare(tmp_path, "beta")
    join.prepare(tmp_path, "alpha")


def test_the_program_needs_nothing_of_pairwise(program):
    nodes = list(ast.walk(ast.parse(program)))
    imported = {each.module for each in nodes if isinstance(each, ast.ImportFrom)}
    imported |= {alias.name for each in nodes if isinstance(each, ast.Import) for alias in each.names}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_a_line_without_a_token_says_so(program, tmp_path):
    (tmp_path / "join.py").write_bytes(program)
    done = subprocess.run([sys.executable, tmp_path / "join.py", "--console", "http://127.0.0.1:9"], input="",
                          text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert "paste the whole line" in done.stderr
