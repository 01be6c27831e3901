"""Everybody on a machine reads every command line, and an environment is shown by the tools that started a container:
secrets travel by files and standard input. The kind, in code, in what deploy/ offers, and in what the docs tell."""

import ast
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from protocol.secret_settings import FILE, SECRET_SETTINGS
from tests.sources import ROOT, SHIPPED, sources

SECRET = re.compile(r"passw|passcode|passphrase|pwd|secret|token|credential|_auth\b|broker_url|redis_url|database_url",
                    re.IGNORECASE)
STARTS = re.compile(r"(^|\.)(Popen|run|call|check_call|check_output|execv|execve|execvp|spawnv|posix_spawn|ask|python"
                    r"|create_subprocess_exec|create_process)$")


# --- code


def argument_lists(tree):
    """Expressions that become arguments of a program: lists with an option in them, and what programs are started
    with."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.List, ast.Tuple)) and any(
                isinstance(each, ast.Constant) and isinstance(each.value, str) and re.match(r"--?[a-z]", each.value)
                for each in node.elts):
            yield node
        elif isinstance(node, ast.Call) and STARTS.search(ast.unparse(node.func)):
            yield from (each for each in node.args if isinstance(each, (ast.List, ast.Tuple, ast.JoinedStr)))
            if ast.unparse(node.func).endswith(("python", "create_subprocess_exec")):
                yield ast.Tuple(elts=list(node.args), ctx=ast.Load())


def secrets_named(node):
    """Names, attributes, keys and f-strings' parts below ``node`` that sound like a secret."""
    for each in ast.walk(node):
        name = each.id if isinstance(each, ast.Name) else each.attr if isinstance(each, ast.Attribute) else ""
        if not name and isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
            name = str(each.slice.value)
        if name and SECRET.search(name):
            yield name
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and re.match(
                r"--?(require)?(pass|passwd|password|secret|token|auth)\b", each.value):
            yield each.value


def test_no_argument_of_a_program_is_a_secret():
    wrong = [f"{path}:{getattr(node, 'lineno', 0)} {name}" for path, text in sources("bench", *SHIPPED).items()
             for node in argument_lists(ast.parse(text)) for name in secrets_named(node)]
    assert wrong == []


@pytest.mark.parametrize("source", [
    'run([program, "--requirepass", settings.EMBEDDED_REDIS_PASSWORD])',
    'command = ["valkey-server", "--port", "0", f"--x={password}"]',
    'subprocess.Popen(["mysql", config.secret])', 'python("manage.py", "up", token)',
    'asyncio.create_subprocess_exec("ssh", login.password)', 'x = ("psql", "-c", row["passcode"])',
    'subprocess.run(["redis-cli", "--pass", word])', 'os.execv(path, [path, broker_url])',
])
def test_what_would_be_one_is_found(source):
    assert [name for node in argument_lists(ast.parse(source)) for name in secrets_named(node)]


def test_no_command_of_ours_takes_one():
    """Options of our own programs: a secret that can be given is given."""
    wrong = []
    for path, text in sources("bench", *SHIPPED, saying="add_argument").items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("add_argument"):
                wrong += [f"{path} {each.value}" for each in node.args
                          if isinstance(each, ast.Constant) and SECRET.search(str(each.value))
                          and not str(each.value).endswith("-file")]
    assert wrong == []


# --- what deploy/ offers


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())


def secrets_of(service) -> set[str]:
    """Names of the secrets that a container sees, whatever they are called in it."""
    return {each if isinstance(each, str) else each["source"] for each in service.get("secrets", ())}


def words(command):
    return command if isinstance(command, list) else shlex.split(command or "")


def test_no_container_is_started_or_looked_at_with_one(compose):
    for name, service in compose["services"].items():
        for command in (service.get("command"), service.get("entrypoint"), service.get("healthcheck", {}).get("test")):
            for word in words(command):
                # The shell of a look may take one out of a file into the environment of what it asks with.
                named = re.sub(r"\$\$\(sed [^)]*\)", "", word)
                assert not re.search(r"(?<!\$)\$\{?\w", named), (name, word)
                assert not re.search(r"--?(require)?pass\b|-a\b|password", named), (name, word)


def test_no_environment_of_a_container_holds_one(compose):
    given = compose["secrets"]
    for name, service in compose["services"].items():
        environment = service.get("environment", {})
        for variable, value in environment.items():
            if variable.removesuffix(FILE) in SECRET_SETTINGS or re.search(r"PASS|SECRET|AUTH|TOKEN", variable):
                assert variable.endswith(FILE), (name, variable)
                file = Path(value)
                assert file.parent == Path("/run/secrets"), (name, variable)
                assert file.name in secrets_of(service), (name, variable)
            assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value)), (name, variable)
        assert secrets_of(service) <= given.keys()
    assert set().union(*map(secrets_of, compose["services"].values())) == given.keys()


def test_each_container_sees_its_own_secrets_only(compose):
    seen = {name: {compose["secrets"][each]["file"].split("/")[2] for each in secrets_of(service)}
            for name, service in compose["services"].items()}
    assert seen == {"postgres": {"stores"}, "log-postgres": {"stores"}, "redis": {"stores"}, "console-a": {"console"},
                    "console-b": {"console"}, "log-reader": {"console"}, "balancer": {"console"}}
    for service in compose["services"].values():
        assert not [volume for volume in service.get("volumes", ()) if "secrets" in volume]


def test_the_unit_and_its_environment_hold_none():
    unit = (ROOT / "deploy/pairwise-console.service").read_text()
    assert not re.search(r"^Environment=(?!PAIRWISE_DATA_DIR=\S+ PYTHONUNBUFFERED=1$)", unit, re.MULTILINE)
    for line in re.findall(r"^Exec\w+=(.*)$", unit, re.MULTILINE):
        assert not SECRET.search(line)
    example = (ROOT / "deploy/console.env.example").read_text()
    for variable in re.findall(r"^(?:# )?(PAIRWISE_\w+)=", example, re.MULTILINE):
        assert variable not in SECRET_SETTINGS, variable
    assert not re.search(r"=\S*://[^/\s]*:[^/\s]*@", example)


def test_the_image_and_the_script_hold_none():
    for name in ("deploy/Dockerfile", "run", ".ci/run"):
        for line in (ROOT / name).read_text().splitlines():
            assert not re.search(r"--?(require)?pass(word)?[ =]|--(token|secret)[ =]|ENV .*(PASS|SECRET|TOKEN)",
                                 line), line


@pytest.mark.skipif(os.geteuid() != 0, reason="files are given to other accounts")
def test_what_the_containers_need_is_made_as_files_of_their_own(tmp_path, compose):
    script = [sys.executable, ROOT / "deploy/make_secrets.py", "pairwise.example.com", "--directory", tmp_path]
    first = subprocess.run(script, capture_output=True, text=True, check=True, timeout=60).stdout
    files = {Path(each["file"]).relative_to("secrets") for each in compose["secrets"].values()}
    certificates = {file for file in files if file.suffix in (".pem", ".key")}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == files - certificates
    assert {Path(line.split(": ")[1]).relative_to(tmp_path) for line in first.splitlines() if line.startswith(
        "still missing")} == certificates
    for file in files - certificates:
        about = (tmp_path / file).stat()
        assert (stat.S_IMODE(about.st_mode), about.st_uid) == (0o600, 10001 if file.parts[0] == "console" else 999)
        assert (tmp_path / file).read_text().strip() not in first
    password = (tmp_path / "stores/database_password").read_text().strip()
    assert (tmp_path / "console/database_url").read_text() == f"postgres://pairwise:{password}@postgres/pairwise\n"
    assert (tmp_path / "console/log_database_url").read_text() == (
        f"postgres://pairwise:{password}@log-postgres/pairwise_log\n")
    assert (tmp_path / "stores/redis_access").read_text().split()[1] in (tmp_path / "console/redis_url").read_text()
    for file in certificates:
        (tmp_path / file).touch(0o644)
    assert subprocess.run(script, capture_output=True, text=True, check=True, timeout=60).stdout == ""
    assert (tmp_path / "stores/database_password").read_text().strip() == password
    assert stat.S_IMODE((tmp_path / "console/console.key").stat().st_mode) == 0o600


# --- what the docs tell


def commands_of_the_docs():
    """(file, line) of what people are told to type."""
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text()
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield from ((path.name, line) for line in block.splitlines())
        yield from ((path.name, code) for code in re.findall(r"`(\./run [^`]+|manage\.py [^`]+|docker [^`]+)`", text))


def test_no_command_of_the_docs_has_one():
    wrong = [(name, line) for name, line in commands_of_the_docs()
             if re.search(r"(?<!\w)--?(require)?(pass|passwd|password|secret|token|auth)([ =]|$)", line)
             or re.search(r"^\s*(\./run|docker|psql|redis-cli|curl|python\S*|manage\.py)\s.*://[^/\s]*:[^/\s]*@", line)]
    assert wrong == []
    assert len(list(commands_of_the_docs())) > 50
