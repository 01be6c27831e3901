"""The commands apply and export, and the file that they read and write."""

import re
from pathlib import Path

import pytest
import yaml

from provisioning.catalog.apd import read_template
from provisioning.errors import Refused
from provisioning.fleet.services.listed import LISTED
from provisioning.fleet.services.manifest import APPLICATION_KEYS, CONNECTION_KEYS, HOST_KEYS, PORT_KEYS, read_manifest
from provisioning.models import Application, HistoryEntry, Host, InstallationPackage
from provisioning.models.applications import MASK
from provisioning.notifications.rules.kinds import KINDS
from tests.factories import make_application, make_host, make_template
from tests.provisioning.catalog.test_hosts_and_templates import APD
from tests.provisioning.catalog.test_packages import archive

FILE = """
hosts:
  - {name: alpha, ip_address: 192.0.2.10, os_type: Linux, lca_port: 4999}
applications:
  - name: MS_Primary
    template: Message_Server
    host: alpha
    working_directory: "."
    command_line: "."
    command_line_arguments: ""
    startup_timeout: 60
    auto_restart: true
    ports:
      - {id: default, port: 7001, protocol: stomp}
      - {id: sync, port: 7002, protocol: sync, ha_sync: true}
    options:
      clients: {bench: benchpass}
      log: {verbose: 010}
    backup: MS_Backup
    redundancy_type: warm standby
  - name: MS_Backup
    template: Message_Server
    host: alpha
    ports: [{id: default, port: 7101}, {id: sync, port: 7102, protocol: sync, ha_sync: true}]
"""


@pytest.fixture
def file(tmp_path):
    def file(text=FILE):
        path = tmp_path / "site.yaml"
        path.write_text(text)
        return str(path)
    return file


@pytest.fixture
def template(db):
    return make_template()


@pytest.mark.usefixtures("template")
class TestApply:
    def test_plan_is_printed_and_without_an_answer_nothing_is_done(self, run, file):
        result = run("apply", file())
        assert result.code == 2
        assert "--yes" in result.err
        assert "+ create application MS_Primary" in result.out
        assert "    Startup Timeout: 60\n" in result.out
        assert not Application.objects.exists()
        assert not HistoryEntry.objects.exists()

    @pytest.mark.parametrize(("answer", "count"), [("y\n", 2), ("n\n", 0), ("\n", 0)])
    def test_a_person_is_asked(self, run, file, answer, count):
        result = run("apply", file(), stdin=answer, tty=True)
        assert (result.code, Application.objects.count()) == (0 if count else 2, count)

    def test_file_is_applied_and_the_second_time_there_is_nothing_to_do(self, run, file):
        assert run("apply", file(), "--yes").code == 0
        primary = Application.objects.get(name="MS_Primary")
        assert (primary.host.name, primary.backup_server.name, primary.redundancy_type) == (
            "alpha", "MS_Backup", "warm standby")
        assert (primary.startup_timeout, primary.auto_restart, primary.changed_by) == (60, True, "command line")
        assert [(p.port_id, p.port, p.ha_sync) for p in primary.ports.all()] == [
            ("default", 7001, False), ("sync", 7002, True)]
        assert primary.options_dict(masked=False) == {
            "clients": {"bench": "benchpass"}, "log": {"verbose": "010", "all": "stdout"},
            "messages": {"retention-days": "7"}}
        before = HistoryEntry.objects.count()
        result = run("apply", file())
        assert (result.code, "Nothing to do." in result.out, HistoryEntry.objects.count()) == (0, True, before)

    def test_change_is_shown_old_to_new(self, run, file):
        run("apply", file(), "--yes")
        text = FILE.replace("startup_timeout: 60", "startup_timeout: 30").replace("port: 7101", "port: 7103")
        result = run("apply", file(text), "--yes")
        assert "~ change application MS_Primary\n    Startup Timeout: 60 → 30\n" in result.out
        assert "Listening Ports default: 7101, Unsecured → 7103, Unsecured" in result.out
        assert Application.objects.get(name="MS_Primary").startup_timeout == 30

    def test_a_backup_follows_its_primary_whatever_the_order_in_the_file(self, run, file):
        run("apply", file(), "--yes")
        make_application("Server", ports={"default": 7201})
        rows = "    connections: [{server: Server}]\n    tenants: East\n"
        both = FILE.replace("    backup: MS_Backup\n", f"    backup: MS_Backup\n{rows}") + rows
        assert run("apply", file(both), "--yes").code == 0
        for row in Application.objects.exclude(name="Server"):
            assert (row.tenants, row.connections.get().server.name) == ("East", "Server")
        assert "Nothing to do." in run("apply", file(both)).out
        result = run("apply", file(FILE + "    tenants: West\n"), "--yes")
        assert (result.code, "Tenants of a backup are those of its primary MS_Primary" in result.err) == (2, True)

    def test_secrets_are_never_printed(self, run, file):
        first = run("apply", file(), "--yes", "--json")
        second = run("apply", file(FILE.replace("benchpass", "otherpass")), "--yes")
        assert f"Options [clients] bench: {MASK} → {MASK} (new value)" in second.out
        for result in (first, second):
            assert "benchpass" not in result.out + result.err
            assert "otherpass" not in result.out + result.err
        stored = Application.objects.get(name="MS_Primary").options_dict(masked=False)
        assert stored["clients"] == {"bench": "otherpass"}

    def test_what_install_filled_in_stays(self, run, file):
        run("apply", file(), "--yes")
        Application.objects.filter(name="MS_Primary").update(
            working_directory="/srv/ms", command_line="./MessageServer", command_line_arguments="-app MS_Primary")
        assert "Nothing to do." in run("apply", file()).out

    @pytest.mark.parametrize("repeats", [False, True])
    def test_another_host_sets_back_what_the_former_one_filled_in_and_the_plan_says_so(self, run, file, repeats):
        run("apply", file(), "--yes")
        Application.objects.filter(name="MS_Primary").update(
            working_directory="/srv", command_line="/bin/sh", command_line_arguments="-c id")
        make_host("beta")
        text = FILE.replace("    host: alpha\n", "    host: beta\n", 1)
        if repeats:
            text = text.replace('working_directory: "."', "working_directory: /srv").replace(
                'command_line: "."', "command_line: /bin/sh").replace('arguments: ""', "arguments: -c id")
        planned = run("apply", file(text))
        result = run("apply", file(text), "--yes")
        assert result.code == 0
        for said in (planned.out, result.out):
            assert "    Host: alpha → beta\n" in said
            assert "    Command Line: /bin/sh → .\n" in said
            assert "    Working Directory: /srv → .\n" in said
            assert "MS_Primary is not installed on its new Host" in said
        row = Application.objects.get(name="MS_Primary")
        assert (row.host.name, row.working_directory, row.command_line, row.command_line_arguments) == (
            "beta", ".", ".", "")

    def test_all_or_nothing_with_every_refusal(self, run, file):
        text = FILE.replace("port: 7101", "port: 7001").replace("startup_timeout: 60", "startup_timeout: 0")
        result = run("apply", file(text), "--yes")
        assert result.code == 2
        assert "MS_Primary: Startup Timeout is 0" in result.err
        assert not Host.objects.exists()

    def test_refusal_names_the_other_application(self, run, file):
        result = run("apply", file(FILE.replace("port: 7101", "port: 7001")), "--yes", "--json")
        assert result.code == 2
        assert "Port 7001 is used on host alpha by MS_Backup" in result.json["refusals"][0]["message"]

    def test_json_lists_every_change(self, run, file):
        body = run("apply", file(), "--yes", "--json").json
        assert body["applied"] is True
        assert [(c["kind"], c["name"], c["action"]) for c in body["changes"]] == [
            ("host", "alpha", "create"), ("application", "MS_Primary", "create"),
            ("application", "MS_Backup", "create")]
        assert run("apply", file(), "--json").json["applied"] is False

    def test_applications_may_name_each_other_in_a_circle(self, run, file):
        make_host("alpha")
        text = """
applications:
  - {name: A, template: Message_Server, host: alpha, ports: [{id: default, port: 1}], connections: [{server: B}]}
  - {name: B, template: Message_Server, host: alpha, ports: [{id: default, port: 2}], connections: [{server: A}]}
"""
        assert run("apply", file(text), "--yes").code == 0
        assert [(c.application.name, c.server.name) for a in Application.objects.all()
                for c in a.connections.all()] == [("A", "B"), ("B", "A")]

    def test_null_removes(self, run, file):
        run("apply", file(), "--yes")
        text = """
applications:
  - name: MS_Primary
    backup: null
    redundancy_type: not specified
    options: {clients: {bench: null}, messages: null}
"""
        assert run("apply", file(text), "--yes").code == 0
        row = Application.objects.get(name="MS_Primary")
        assert (row.backup_server, row.options_dict()) == (None, {"log": {"verbose": "010", "all": "stdout"}})

    def test_files_beside_the_yaml_are_imported(self, run, file, tmp_path, settings):
        settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
        (tmp_path / "new.apd").write_bytes(APD.replace(b"Message_Server", b"New_Server"))
        (tmp_path / "ip.tar.gz").write_bytes(archive())
        make_host("alpha")
        text = ("templates: [new.apd]\npackages: [ip.tar.gz]\n"
                "applications: [{name: A, template: New_Server, host: alpha}]")
        result = run("apply", file(text), "--yes")
        assert result.code == 0, result.err
        assert Application.objects.get().template.name == "New_Server"
        assert InstallationPackage.objects.count() == 1
        assert "Nothing to do." in run("apply", file(text)).out

    @pytest.mark.parametrize(("text", "sentence"), [
        ("templates: [none.apd]", "none.apd: the file cannot be read: No such file or directory."),
        ("applications: [{name: A, template: Nothing}]", "A: there is no Application Template named Nothing."),
        ("applications: [{name: A, template: Message_Server, host: h}]", "A: there is no Host named h."),
        ("applications: [{name: A, template: Message_Server, backup: B}]", "A: there is no application named B"),
        ("applications: [{name: A, template: Message_Server}]", "A: Host is required for a server."),
        ("applications: [{name: A}]", "A: Choose an Application Template"),
        ("hosts: [{name: a}]", "a: IP Address must be"),
    ])
    def test_what_is_not_there_is_named(self, run, file, text, sentence):
        result = run("apply", file(text), "--yes")
        assert result.code == 2
        assert sentence in result.err

    def test_file_that_is_not_there_is_a_sentence(self, run):
        result = run("apply", "/no/such/file.yaml")
        assert (result.code, result.err) == (2, "/no/such/file.yaml cannot be read: No such file or directory.\n")

    def test_stdin_is_read(self, run):
        assert run("apply", "-", "--yes", stdin=FILE).code == 0
        assert run("apply", "-", stdin=FILE.replace("60", "61")).code == 2


class TestManifest:
    @pytest.mark.parametrize(("text", "sentence"), [
        ("host: []", '"host" is unknown. Did you mean "hosts"?'),
        ("applications: [{name: A, auto_restrat: true}]", 'A: "auto_restrat" is unknown. Did you mean "auto_restart"?'),
        ("applications: [{name: A, xyz: 1}]", '"xyz" is unknown. Known: name, template'),
        ("applications: [{name: A, ports: [{id: a, port: 1, prot: x}]}]", 'ports, entry 1: "prot" is unknown.'),
        ("applications: [{name: A, ports: [{id: a}]}]", "A, ports, entry 1: port is missing."),
        ("applications: [{template: A}]", "applications, entry 1: name is missing."),
        ("applications: [{name: A}, {name: A}]", "A: is there twice."),
        ("applications: [{name: A, startup_timeout: soon}]", '"soon" is no whole number.'),
        ("applications: [{name: A, enabled: perhaps}]", 'write true or false, not "perhaps".'),
        ("applications: [{name: A, options: {log: x}}]", "A, options [log]: write key: value pairs."),
        ("applications: [{name: A, options: {log: {a: [1]}}}]", "A, options [log]: write key: value pairs."),
        ("applications: [{name: A, name: B}]", '"name" is there twice'), ("applications: {}", "write a list here."),
        ("applications: [x]", "write key: value pairs here."), ("hosts: [{name: [1]}]", "write a single value here."),
        ("a: [", "is no readable YAML: line 1"), ("[1, 2]", "write key: value pairs here."),
        ("? [a]\n: 1", "not plain text"),
        ("!!python/object:os.system {}", "is no readable YAML"), ("\x00", "is no readable YAML"),
        ("templates: [{a: b}]", "list the paths of files."),
        *((f"hosts:\n- {{name: {scalar}}}", f"is no readable YAML: line 2: {problem}") for scalar, problem in (
            ("!!int abc", "the tag tag:yaml.org,2002:int is not known"), ("!!int 1", "the tag"),
            ("!!float x", "the tag"), ("!!timestamp foo", "the tag"), ("!<tag:yaml.org,2002:bool> zz", "the tag"),
            ("!!binary x", "the tag"), ("!!set {a}", "the tag"), ("!!omap [a]", "the tag"),
            ("!!pairs [a]", "the tag"), ("!x%ED%A0%80 a", ""), ("!!map a", "a value is marked as a mapping"),
            ("!!map [a]", "a value is marked as a mapping"), ("!!seq a", ""), ("!!str [a]", ""), ("!!null [a]", ""),
            (r'"x\ud800y"', "a text holds what is no character"), (r'"\0"', "a text holds what is no character"),
            (r'"\UFFFFFFFF"', "a number is too large"), (r'"\U00110000"', "a number is too large"))),
        (r'{"\udfff": 1}', "line 1: a text holds what is no character"),
        (f"%YAML {'1' * 5000}.1\n--- a", "line 1: a number is too large"),
    ])
    def test_fault_is_a_sentence(self, text, sentence):
        with pytest.raises(Refused) as caught:
            read_manifest(text.encode())
        assert sentence in str(caught.value)

    def test_empty_file_asks_for_nothing(self):
        assert read_manifest(b"").applications == ()

    def test_scalars_stay_as_typed(self):
        manifest = read_manifest(b"applications: [{name: 007, options: {a: {b: 1.50, c: yes, d: 'null', e: ~}}}]")
        assert manifest.applications[0] == {
            "name": "007", "options": {"a": {"b": "1.50", "c": "yes", "d": "null", "e": None}}}


class TestDocumentation:
    DOCUMENT = (Path(__file__).parents[3] / "docs" / "configuration-file.md").read_text()

    def block(self, kind):
        return self.DOCUMENT.split(f"```{kind}\n")[1].split("```")[0].encode()

    def test_documented_file_is_read(self):
        manifest = read_manifest(self.block("yaml"))
        assert [spec["name"] for spec in manifest.applications] == ["MS_Primary", "MS_Backup"]
        assert list(manifest.listed) == list(LISTED)

    def test_documented_template_is_read(self):
        assert read_template(self.block("ini")).options["log"]["verbose"]["help"] == "How much is logged."

    def test_every_key_is_documented(self):
        keys = {*HOST_KEYS, *APPLICATION_KEYS, *PORT_KEYS, *CONNECTION_KEYS}
        assert [key for key in sorted(keys) if key not in self.DOCUMENT] == []

    @pytest.mark.parametrize("key", LISTED)
    def test_every_key_of_what_is_listed_is_in_its_own_table(self, key):
        of_it = self.DOCUMENT.split(f"\n`{key}`")[1].split("\n# ")[0]
        of_it = re.split("|".join(f"\n`{other}`" for other in LISTED), of_it)[0]
        assert [name for name in LISTED[key].keys if f"`{name}`" not in of_it] == []

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_field_of_a_kind_of_channel_is_in_its_row(self, kind):
        [row] = [line for line in self.DOCUMENT.splitlines()
                 if line.startswith("| `") and f"`{kind}`" in line.split("|")[1]]
        told = {word: ("secret" in said, "optional" in said, "list" in said) for word, said in re.findall(
            r"`(\w+)`(?: \(([^)]*)\))?", row.split("|")[2])}
        assert told == {field.name: (field.secret, not field.required, field.many) for field in KINDS[kind]}


@pytest.mark.usefixtures("template")
class TestExport:
    def test_export_applied_again_finds_nothing_to_do(self, run, file):
        run("apply", file(), "--yes")
        exported = run("export").out
        assert "benchpass" not in exported
        assert yaml.safe_load(exported)["applications"][1]["options"]["clients"] == {"bench": MASK}
        assert "Nothing to do." in run("apply", file(exported)).out

    def test_export_applied_elsewhere_makes_the_same_but_asks_for_secrets(self, run, file):
        run("apply", file(), "--yes")
        exported = run("export").out
        Application.objects.update(backup_server=None)
        Application.objects.all().delete()
        Host.objects.all().delete()
        refused = run("apply", file(exported), "--yes")
        assert (refused.code, "[clients] bench is secret" in refused.err) == (2, True)
        assert run("apply", file(exported.replace(f"bench: {MASK}", "bench: benchpass")), "--yes").code == 0
        assert run("export").out == exported

    def test_texts_that_look_like_something_else_survive(self, run, file):
        make_application("A", host=make_host(), description="null",
                         options={"x": {"n": "~", "t": "true", "e": "", "d": "2026-11-22"}})
        assert "Nothing to do." in run("apply", file(run("export").out)).out

    def test_some_by_name_as_json(self, run, file):
        run("apply", file(), "--yes")
        make_host("beta")
        body = run("export", "MS_Backup", "--json").json
        assert ([h["name"] for h in body["hosts"]], [a["name"] for a in body["applications"]]) == (
            ["alpha"], ["MS_Backup"])
        assert run("export", "Nobody").code == 2
