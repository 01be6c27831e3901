"""Restore a version, bring back what was deleted: the plan, what it leaves as it is and why, the rules of a save."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.catalog.services import packages, templates
from provisioning.drafts import ConnectionDraft, HostDraft
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.history import history
from provisioning.history import restore as restoring
from provisioning.history.entries import deleted_objects, history_list
from provisioning.history.verify import verify
from provisioning.hosts.services import hosts
from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host, InstallationPackage, Option
from provisioning.models.applications import MASK
from tests import factories

ADA = factories.ADMINISTRATOR
pytestmark = pytest.mark.django_db


def create(name="MS", **fields):
    return applications.create_application(actor=ADA, draft=factories.make_draft(name=name, **fields))


def change(row, **fields):
    row = get_application(row.pk)
    return applications.update_application(actor=ADA, application_id=row.pk, revision=row.revision,
                                           draft=replace(application_draft(row), **fields))


def delete(*rows):
    applications.delete_applications(actor=ADA, application_ids=[row.pk for row in rows])


def plan(number):
    return restoring.plan(actor=ADA, number=number)


def restore(number, names=None, **options):
    return restoring.restore(actor=ADA, number=number, revision=plan(number).revision, names=names, **options)


def last():
    return HistoryEntry.objects.first()


def body(row):
    found = history.snapshot(get_application(row.pk))
    return {name: value for name, value in found.items() if name != "revision"}


def sentences(refusals):
    return " ".join(refusal.message for refusal in refusals)


# --- Restore


def test_the_plan_says_which_fields_would_change_and_changes_nothing():
    row = create(description="first", ports=(factories.port(number=7001),), options={"log": {"verbose": "all"}})
    change(row, description="second", ports=(factories.port(number=7003),), options={})
    found = plan(1)
    assert [(d.label, d.theirs, d.yours) for item in found.restored for d in item.differences] == [
        ("Description", "second", "first"), ("Listening Ports default", "7003, Unsecured", "7001, Unsecured"),
        ("Options [log] verbose", "(none)", "all")]
    assert HistoryEntry.objects.count() == 2


def test_restore_makes_it_the_version_again_and_says_so_in_history():
    row = create(description="first", ports=(factories.port(),), options={"log": {"verbose": "all"}})
    was = body(row)
    change(row, name="Another", description="second", ports=(), options={"log": {"verbose": "none"}})
    restore(1, reason="It  was\nbetter.")
    assert body(row) == was
    entry = last()
    assert (entry.action, entry.user_name) == ("changed", "ada")
    at = HistoryEntry.objects.get(number=1).at
    assert entry.reason == f"Restored the version of {at:%Y-%m-%d %H:%M} UTC by ada (entry 1). It was better."
    assert verify().is_whole


def test_only_the_chosen_fields_are_restored():
    row = create(description="first", tenants="First")
    change(row, description="second", tenants="Second")
    restore(1, names=["tenants"])
    row.refresh_from_db()
    assert (row.tenants, row.description) == ("First", "second")
    assert "Not restored: Description." in last().reason
    with pytest.raises(Refused, match="at least one"):
        restore(1, names=[])


def test_a_version_that_is_equal_leaves_nothing_to_restore():
    create()
    assert (plan(1).items, plan(1).is_possible) == ((), False)


def test_what_a_rule_refuses_stays_as_it_is_with_the_sentence_of_a_save():
    host = factories.make_host("edge1")
    row = create(host_id=host.pk, description="first", ports=(factories.port(number=7001),))
    change(row, description="second", ports=(factories.port(number=7003),))
    create("Other", host_id=host.pk, ports=(factories.port(number=7001),))
    [item] = plan(1).left
    assert item.label == "Listening Ports"
    with pytest.raises(Refused) as refused:
        change(row, ports=(factories.port(number=7001),))
    assert sentences(item.why_not) == str(refused.value)
    restore(1)
    assert get_application(row.pk).description == "first"
    assert get_application(row.pk).ports.get().port == 7003
    with pytest.raises(Refused, match="Other"):
        restore(1, names=["ports"])


def test_the_host_that_is_gone_is_named_and_host_stays():
    old, new = factories.make_host("old"), factories.make_host("new")
    row = create(host_id=old.pk, description="first")
    change(row, host_id=new.pk, description="second")
    hosts.delete_host(actor=ADA, host_id=old.pk)
    assert "Host old does not exist any more. Host stays as it is." in sentences(plan(1).notes)
    restore(1)
    row.refresh_from_db()
    assert (row.host, row.description) == (new, "first")


def test_a_host_that_was_renamed_is_still_the_one_of_the_version():
    host, other = factories.make_host("old"), factories.make_host("other")
    row = create(host_id=host.pk)
    change(row, host_id=other.pk)
    Host.objects.filter(pk=host.pk).update(name="renamed")
    restore(1)
    row.refresh_from_db()
    assert row.host_id == host.pk


def test_the_redundancy_of_servers_that_run_is_left_with_the_reason():
    primary, backup = factories.make_pair(status=None, record=False)
    history.record(actor=ADA, row=primary, before=None, after=history.snapshot(primary))
    primary = change(primary, backup_server_id=None, redundancy_type="not specified", description="alone")
    factories.make_runtime(backup)
    found = plan(1)
    assert {item.name for item in found.left} == {"backup_server_id", "redundancy_type"}
    assert "only while both servers are stopped; MS_Backup is" in sentences(found.left[0].why_not)
    restore(1)
    primary.refresh_from_db()
    assert (primary.description, primary.backup_server) == ("", None)


def test_what_install_filled_in_stays():
    row = create(description="first")
    Application.objects.filter(pk=row.pk).update(working_directory="/srv/ms", command_line="./MS", version="9.0")
    change(row, description="second")
    restore(1)
    row.refresh_from_db()
    assert (row.description, row.working_directory, row.command_line) == ("first", "/srv/ms", "./MS")


def test_secrets_keep_their_present_value_and_what_is_not_stored_has_to_be_typed():
    row = create(options={"clients": {"kept": "old1", "gone": "old2"}, "log": {"verbose": "all"}})
    change(row, options={"clients": {"kept": "new1"}})
    found = plan(1)
    assert "[clients] kept keeps its present value" in sentences(found.notes)
    assert "[clients] gone is secret and its value is not in history" in sentences(found.notes)
    restore(1)
    assert get_application(row.pk).options_dict(masked=False) == {"clients": {"kept": "new1"},
                                                                  "log": {"verbose": "all"}}


def test_no_secret_is_in_any_entry():
    row = create(options={"clients": {"bench": "very secret"}}, annex={"x": {"password": "more secret"}})
    change(row, description="x", options={"clients": {"bench": "other secret"}})
    restore(1)
    delete(row)
    restore(1)
    told = str(list(HistoryEntry.objects.values()))
    assert "secret" not in told.replace("is secret", "")
    assert row.secret not in told
    assert MASK in told


def test_a_plan_that_is_no_longer_true_restores_nothing():
    row = create(description="first")
    change(row, description="second")
    revision = plan(1).revision
    change(row, description="third")
    with pytest.raises(Refused, match="after this plan was made"):
        restoring.restore(actor=ADA, number=1, revision=revision)
    assert get_application(row.pk).description == "third"


def test_restoring_needs_the_verb_of_a_save():
    row = create()
    change(row, description="second")
    for work in (restoring.plan, lambda **values: restoring.restore(revision=2, **values)):
        with pytest.raises(NotAllowed):
            work(actor=factories.OPERATOR, number=1)


def test_what_holds_no_version_cannot_be_restored():
    history.record_verb(actor=ADA, row=create(), reason="Started it.")
    with pytest.raises(Refused, match="no version"):
        plan(2)
    with pytest.raises(NotFound):
        plan(99)


def test_a_backup_gets_what_its_primary_gets_back():
    primary, backup = factories.make_pair(status=None, record=False)
    history.record(actor=ADA, row=primary, before=None, after=history.snapshot(primary))
    change(primary, tenants="Other")
    backup.refresh_from_db()
    assert backup.tenants == "Other"
    restore(1)
    backup.refresh_from_db()
    assert backup.tenants == "Environment"


# --- Bring back


def test_a_deleted_application_comes_back_with_all_it_had_and_its_history():
    server = create("Server", ports=(factories.port(),))
    row = create("Client", ports=(factories.port(number=7005),), options={"log": {"verbose": "all"}},
                 annex={"x": {"y": "z"}}, connections=(ConnectionDraft(server_id=server.pk, timeout_local=7),))
    was = body(row)
    delete(row)
    assert [entry.object_name for entry in deleted_objects()] == ["Client"]
    back = restore(last().number)
    assert (back.pk, body(back)) == (row.pk, was)
    assert [entry.action for entry in history_list(object_type="application", object_id=str(row.pk))] == [
        "created", "deleted", "created"]
    assert last().reason.startswith("Brought back from the version of")
    assert not deleted_objects().exists()


def test_what_was_deleted_comes_back_once():
    row = create()
    delete(row)
    number = last().number
    restoring.restore(actor=ADA, number=number, revision=0)
    with pytest.raises(Refused, match="after this plan was made"):
        restoring.restore(actor=ADA, number=number, revision=0)


def test_an_older_version_of_what_was_deleted_can_come_back():
    row = create(description="first")
    change(row, description="second")
    delete(row)
    assert restore(1).description == "first"


def test_an_installed_server_has_to_be_installed_again_because_its_secret_is_new():
    row = create()
    Application.objects.filter(pk=row.pk).update(working_directory="/srv/ms", command_line="./MS",
                                                 command_line_arguments="-app MS")
    delete(row)
    assert "has to be installed again" in sentences(plan(last().number).notes)
    back = restore(last().number)
    assert (back.working_directory, back.command_line, back.is_installed) == ("/srv/ms", ".", False)
    assert back.secret != row.secret


def test_links_come_back_where_the_other_side_is_and_are_named_where_it_is_not():
    primary, backup = factories.make_pair(status=None, record=False)
    delete(primary)
    number = last().number
    assert restore(number).backup_server == backup
    delete(Application.objects.get(name="MS_Primary"))
    number = last().number
    delete(backup)
    assert "Backup Server MS_Backup does not exist any more, so it is not set." in sentences(plan(number).notes)
    back = restore(number)
    assert (back.backup_server, back.redundancy_type) == (None, "not specified")


def test_a_backup_that_comes_back_names_the_primary_that_lost_it():
    primary, backup = factories.make_pair(status=None, record=False)
    delete(backup)
    number = HistoryEntry.objects.get(action="deleted").number
    assert "MS_Primary lost it as its Backup Server." in sentences(plan(number).notes)
    restore(number)
    cleared = HistoryEntry.objects.get(object_id=str(primary.pk))
    assert cleared.before["backup_server"] == "MS_Backup"


def test_secrets_of_what_was_deleted_have_to_be_typed_again():
    row = create(options={"clients": {"bench": "secret"}, "log": {"verbose": "all"}})
    delete(row)
    assert "[clients] bench is secret" in sentences(plan(last().number).notes)
    restore(last().number)
    assert not Option.objects.filter(section="clients").exists()


def test_a_port_that_is_taken_now_is_left_out_with_the_reason():
    host = factories.make_host()
    row = create(host_id=host.pk, ports=(factories.port(number=7001),))
    delete(row)
    number = last().number
    create("Other", host_id=host.pk, ports=(factories.port(number=7001),))
    [item] = plan(number).left
    assert "Other" in sentences(item.why_not)
    assert not restore(number).ports.exists()


def test_without_its_host_or_under_a_taken_name_nothing_comes_back():
    host = factories.make_host("old")
    row = create("MS", host_id=host.pk)
    delete(row)
    number = last().number
    create("MS", host_id=host.pk)
    assert "An application named MS exists already" in sentences(plan(number).refusals)
    delete(Application.objects.get())
    hosts.delete_host(actor=ADA, host_id=host.pk)
    found = plan(number)
    assert "Host old does not exist any more." in sentences(found.notes)
    assert not found.is_possible
    with pytest.raises(Refused, match="Host is required"):
        restoring.restore(actor=ADA, number=number, revision=0)


def test_hosts_come_back_and_are_restored():
    draft = HostDraft(name="edge1", ip_address="192.0.2.50", os_version="12")
    host = hosts.create_host(actor=ADA, draft=draft)
    hosts.update_host(actor=ADA, host_id=host.pk, revision=1, draft=replace(draft, os_version="13"))
    assert restore(1).os_version == "12"
    hosts.delete_host(actor=ADA, host_id=host.pk)
    assert "press Join" in sentences(plan(last().number).notes)
    back = restore(last().number)
    assert (back.pk, back.ip_address, back.secret == host.secret) == (host.pk, "192.0.2.50", False)


def test_templates_come_back_whole():
    row = ApplicationTemplate.objects.get(pk=factories.make_template("T").pk)
    templates.delete_template(actor=ADA, template_id=row.pk)
    back = restore(last().number)
    assert (back.pk, back.options, back.ports) == (row.pk, row.options, row.ports)


def test_a_package_comes_back_only_while_its_file_is_stored(settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = str(tmp_path)
    content = b"a package"

    sha256 = hashlib.sha256(content).hexdigest()
    row = factories.make_package(sha256=sha256, size=len(content), path=f"{sha256}.tar.gz")
    packages.delete_package(actor=ADA, package_id=row.pk)
    assert sha256 in sentences(plan(last().number).refusals)
    (tmp_path / f"{sha256}.tar.gz").write_bytes(b"b package")
    with pytest.raises(Refused, match="another content"):
        restore(last().number)
    (tmp_path / f"{sha256}.tar.gz").write_bytes(content)
    restore(last().number)
    assert InstallationPackage.objects.get().pk == row.pk


# --- any version


WORDS = st.sampled_from(["", "a", "Ä b", "c;d", "x" * 200])
NUMBERS = st.integers(1, 86_400)
DRAFTS = st.fixed_dictionaries({
    "description": WORDS, "tenants": WORDS, "startup_timeout": NUMBERS, "shutdown_timeout": NUMBERS,
    "auto_restart": st.booleans(), "enabled": st.booleans(), "reconnect_attempts": st.integers(0, 9),
    "working_directory": st.sampled_from([".", "/srv/a", "/srv/b"]),
    "ports": st.lists(st.tuples(st.sampled_from(["default", "sync", "third"]), st.integers(7000, 7010)),
                      max_size=3, unique_by=(lambda row: row[0], lambda row: row[1])).map(
        lambda rows: tuple(factories.port(key, number, ha_sync=key == "sync") for key, number in rows)),
    "options": st.dictionaries(st.sampled_from(["one", "two", "clients"]), st.dictionaries(
        st.sampled_from(["k1", "k2"]), WORDS.filter(bool), min_size=1), max_size=3),
})


class AnyVersion(TestCase):
    databases = frozenset({"default", "control"})

    @settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate),
              suppress_health_check=[HealthCheck.too_slow])
    @given(first=DRAFTS, second=DRAFTS)
    def test_a_restored_snapshot_equals_the_version(self, first, second):
        """But for secrets that are not stored any more, which the plan names."""
        row = create("Any", **first)
        change(row, **second)
        version = HistoryEntry.objects.filter(object_id=str(row.pk)).order_by("number").first()
        found = plan(version.number)
        if found.is_possible:
            restore(version.number)
        now, then = body(row), dict(version.after)
        named = [note.field.split(".", 2) for note in found.notes if note.field.startswith("options.")]
        for _, section, key in named:
            del then["options"][section][key]
        then["options"] = {section: keys for section, keys in then["options"].items() if keys}
        del then["revision"]
        assert now == then
