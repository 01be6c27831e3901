"""Secrets that settings name: from the variable, or from the file that its other half names."""

import os
import re
import subprocess
import sys

import pytest

from protocol.secret_settings import LONGEST, SECRET_SETTINGS, SecretSettingError, check_scheme, read, variables
from tests.sources import ROOT, sources

NAME = "PAIRWISE_REDIS_URL"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "redis_url"
    path.write_text("redis://:s3cret@broker:6379/0\n")
    path.chmod(0o600)
    return path


def read_file(path):
    return read(NAME, {f"{NAME}_FILE": str(path)})


def refused(path):
    with pytest.raises(SecretSettingError) as error:
        read_file(path)
    text = str(error.value)
    assert text.startswith(f"{NAME}_FILE names {path}, which ")
    assert "s3cret" not in text
    return text


@pytest.mark.parametrize("name", SECRET_SETTINGS)
def test_each_is_given_by_a_variable_or_a_file(name, file):
    variable, named = variables(name)
    assert read(name, {}) == read(name, {variable: "", named: ""}) == ""
    assert read(name, {variable: " as it is "}) == " as it is "
    assert read(name, {named: str(file)}) == "redis://:s3cret@broker:6379/0"


@pytest.mark.parametrize("name", SECRET_SETTINGS)
def test_both_are_an_error(name, file):
    variable, named = variables(name)
    with pytest.raises(SecretSettingError, match=f"{variable} and {named} are both set: unset one"):
        read(name, {variable: "value", named: str(file)})


@pytest.mark.parametrize("name", ["PAIRWISE_DATABASE_URL", "PAIRWISE_CONTROL_DATABASE_URL"])
@pytest.mark.parametrize("address", ["mysql://u:s3cret@h/x", "oracle://u:s3cret@h/x", "s3cret"])
def test_a_database_that_is_not_used_is_refused_with_a_sentence_and_without_its_address(name, address):
    with pytest.raises(SecretSettingError, match=f"^{name} names a database that Pairwise does not") as error:
        check_scheme(name, address)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(("name", "address"), [
    ("PAIRWISE_DATABASE_URL", ""), ("PAIRWISE_DATABASE_URL", "sqlite:////srv/pairwise.sqlite3"),
    ("PAIRWISE_DATABASE_URL", "postgres://u:p@h/x"), ("PAIRWISE_CONTROL_DATABASE_URL", "postgresql://u:p@h/x"),
    ("PAIRWISE_SECRET_KEY", "mysql://"), ("PAIRWISE_BROKER_URL", "amqp://u:p@h/x")])
def test_what_can_be_used_is_taken(name, address):
    check_scheme(name, address)


def test_a_console_with_such_a_database_ends_with_the_sentence(tmp_path):
    environment = {**os.environ, "PAIRWISE_DATA_DIR": str(tmp_path), "PAIRWISE_DATABASE_URL": "mysql://u:s3cret@h/x",
                   "DJANGO_SETTINGS_MODULE": "console.settings"}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("PAIRWISE_DATABASE_URL names a database that Pairwise does not use: write ")
    assert "Traceback" not in done.stderr + done.stdout


def test_a_setting_that_is_no_secret_is_not_read_here():
    with pytest.raises(KeyError):
        read("PAIRWISE_PORT", {})


@pytest.mark.parametrize(("mode", "good"), [(0o400, True), (0o600, True), (0o640, True), (0o644, False), (0o604, False),
                                            (0o660, False), (0o601, False)])
def test_rights(file, mode, good):
    file.chmod(mode)
    if good:
        assert read_file(file)
    else:
        assert "others can read or write. Run: chmod 600" in refused(file)


def test_a_file_that_is_not_there(file):
    file.unlink()
    assert "not there: make that file" in refused(file)


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file(file, content):
    file.write_bytes(content)
    assert "empty: write the secret" in refused(file)


def test_a_file_that_is_no_text_or_too_long(file):
    file.write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in refused(file)
    file.write_bytes(b"x" * (LONGEST + 1))
    assert "longer than 64 KB" in refused(file)


def test_what_is_no_plain_file_is_neither_read_nor_waited_for(tmp_path):
    assert "no plain file" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "no plain file" in refused(tmp_path / "pipe")


def test_a_file_that_this_account_may_not_read(file, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "cannot be read (Permission denied): let this account read it" in refused(file)


SECRET = re.compile(r"PASS|SECRET|KEY|TOKEN|CREDENTIAL|_URL")
NOT_SECRET = {
    "PAIRWISE_CONSOLE_URL",  # an address for browsers
    "PAIRWISE_OIDC_URL", "PAIRWISE_LDAP_URL",  # addresses of servers; what they want of us is in settings of its own
    "PAIRWISE_TLS_KEY", "PAIRWISE_APPLICATION_SECRET_FILE",  # paths of files
}


def test_every_setting_that_may_hold_a_secret_has_the_form():
    """The kind: whoever adds such a setting adds it to the table."""
    from tests.test_settings_documented import settings_read

    named = {name for name in settings_read() if SECRET.search(name)} - NOT_SECRET
    assert named == set(SECRET_SETTINGS)


def test_no_secret_is_read_past_the_table():
    """Neither from the environment, nor by Django's helper: a value that came by a file would not be seen."""
    quoted = "|".join(SECRET_SETTINGS)
    past = re.compile(rf"""(environ(\.get)?[\[(]|env\.\w+\(|getenv\()\s*["']({quoted})["']""")
    assert [f"{name}: {found[0]}" for name, text in sources().items() for found in past.finditer(text)] == []


def test_the_page_of_settings_names_each():
    text = (ROOT / "docs/settings.md").read_text()
    section = text.partition("## Secrets in files\n")[2].partition("\n## ")[0]
    named = re.findall(r"`(PAIRWISE_\w+)`", section)
    assert tuple(named) == SECRET_SETTINGS
