"""Files in and out: apply and export, and packages that were changed on their way."""

import json
import tarfile

import pytest
import yaml

from .applications import apply, apply_file, message_server


def test_apply_prints_a_plan_and_changes_nothing_without_yes(pairwise):
    path = apply_file(pairwise, message_server("Planned"))
    done = pairwise.command_line("apply", path, check=False)
    assert done.returncode == 2
    assert "--yes" in done.stdout + done.stderr
    assert "Planned" not in [each["name"] for each in pairwise.status()["applications"]]


def test_what_is_exported_applies_as_nothing_to_do_with_secrets_masked(pairwise):
    apply(pairwise, message_server("Exported"))
    exported = pairwise.manage("export").stdout
    assert "benchpass" not in exported
    assert "Exported" in [each["name"] for each in yaml.safe_load(exported)["applications"]]
    path = pairwise.data_dir.parent / "exported.yaml"
    path.write_text(exported)
    before = pairwise.status()["applications"]
    done = pairwise.command_line("apply", str(path), "--yes", "--json")
    plan = json.loads(done.stdout)
    assert not plan["applied"]
    assert not any(each["fields"] for each in plan["changes"]), plan
    assert pairwise.manage("export").stdout == exported
    assert [each["name"] for each in pairwise.status()["applications"]] == [each["name"] for each in before]


def test_a_file_with_a_mistake_is_refused_whole(pairwise):
    good, bad = message_server("Good"), message_server("Bad")
    bad["ports"] = good["ports"]
    done = pairwise.command_line("apply", apply_file(pairwise, good, bad), "--yes", check=False)
    assert done.returncode == 2
    assert str(good["ports"][0]["port"]) in done.stdout + done.stderr
    assert not {"Good", "Bad"} & {each["name"] for each in pairwise.status()["applications"]}


@pytest.fixture
def tampered(pairwise):
    """One byte of every Installation Package of the console is another, and the host has no older copy of it."""
    for copy in (pairwise.data_dir / "hosts/localhost/state/packages").iterdir():
        copy.unlink()
    packages = {path: path.read_bytes() for path in (pairwise.data_dir / "packages").glob("*.tar.gz")}
    assert packages
    for path, content in packages.items():
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    yield
    for path, content in packages.items():
        path.write_bytes(content)


def test_a_tampered_package_is_not_installed_and_the_job_says_so(pairwise, tampered):
    before = apply(pairwise, message_server("Tampered"))
    done = pairwise.command_line("install", "Tampered", "--wait", check=False)
    assert done.returncode == 1
    assert "SHA-256" in done.stdout + done.stderr
    after = pairwise.application("Tampered")
    assert (after["working_directory"], after["version"]) == (before["working_directory"], before["version"])
    assert not (pairwise.data_dir / "apps" / "Tampered").exists()


@pytest.fixture
def evil_package(pairwise, tmp_path):
    """``evil_package(member, content)`` writes a copy of the Installation Package with one more member."""
    package = next((pairwise.data_dir / "build").glob("*.tar.gz"))

    def make(extra: tarfile.TarInfo):
        evil = tmp_path / package.name
        with tarfile.open(package) as source, tarfile.open(evil, "w:gz") as target:
            for member in source.getmembers():
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
            target.addfile(extra)
        return str(evil)

    return make


def test_a_package_with_a_file_outside_of_its_directory_is_refused_at_import(pairwise, evil_package):
    done = pairwise.command_line("import_package", evil_package(tarfile.TarInfo("../outside")), check=False)
    assert done.returncode == 2
    assert "lies outside of it" in done.stdout + done.stderr


@pytest.mark.long
def test_a_package_with_a_link_out_of_its_directory_is_refused_before_anything_is_unpacked(pairwise, evil_package):
    link = tarfile.TarInfo("lib/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    imported = pairwise.command_line("import_package", evil_package(link), "--json", check=False)
    if imported.returncode == 0:
        apply(pairwise, message_server("Linked"))
        try:
            refused = pairwise.manage("install", "Linked", "--wait", check=False)
        finally:
            key = json.loads(imported.stdout)["packages"][0]["id"]
            pairwise.browser().post(f"/provisioning/environment/packages/{key}/delete/", {"confirmed": "1"})
            left = pairwise.browser().get(f"/provisioning/environment/packages/{key}/").status
        assert left == 404
        assert not list((pairwise.data_dir / "apps").glob("*Linked*"))
    else:
        refused = imported
    assert refused.returncode in (1, 2)
    assert "link" in refused.stdout + refused.stderr
