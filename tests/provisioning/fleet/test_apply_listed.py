"""Alarm conditions, channels and notification rules in the file of `apply` and `export`."""

import json

import pytest
import yaml

from protocol.events import Own, written
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, NotAllowed, Refused
from provisioning.fleet.services import apply, planned
from provisioning.fleet.services.listed import LISTED
from provisioning.fleet.services.manifest import read_manifest
from provisioning.models import AlarmCondition, AuditTarget, Channel, HistoryEntry, Host, NotificationRule
from provisioning.models.applications import MASK
from provisioning.notifications.rules.drafts import ChannelDraft
from provisioning.notifications.rules.kinds import KINDS
from provisioning.notifications.services import channels
from provisioning.states import Role
from tests.commands import run
from tests.factories import ADMINISTRATOR, make_application, make_host, make_pair
from tests.sources import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]

FILE = {
    "alarm_conditions": [
        {"name": "Billing Silent", "description": "Nothing was billed.", "category": "critical", "detect_event": 4525,
         "selection_mode": "application", "application": "Billing", "cancel_event": "00-04526", "cancel_timeout": 12,
         "reactions": ["start", {"channel": "operators"}, "restart"], "clearance_reactions": [{"channel": "desk"}]},
        {"name": "Gave Up", "category": "major"}],
    "channels": [
        {"name": "operators", "kind": "mail", "description": "All shifts", "to": ["a@example.com", "b@example.com"]},
        {"name": "desk", "kind": "webhook", "url": "https://desk.example.com/alarms", "secret": "s3cret-of-desk"}],
    "notification_rules": [
        {"name": "Nights", "channels": ["operators", "desk"], "categories": ["critical"], "hosts": ["beta", "alpha"],
         "quiet_hours": "22:00-06:00", "time_zone": "Europe/Berlin", "wait_s": 30, "limit_per_hour": 5}],
    "audit_targets": [
        {"name": "siem", "address": "https://siem.example.com/event", "description": "Ours.",
         "token": "s3cret-of-desk"}],
}
SECRET = "s3cret-of-desk"


@pytest.fixture
def file(tmp_path):
    def file(body):
        path = tmp_path / "site.yaml"
        path.write_text(body if isinstance(body, str) else yaml.safe_dump(body, allow_unicode=True, sort_keys=False))
        return str(path)
    return file


def plan_of(body):
    return apply.plan(actor=ADMINISTRATOR, manifest=read_manifest(yaml.safe_dump(body).encode()), directory=None)


def apply_all(body):
    apply.apply(actor=ADMINISTRATOR, planned=plan_of(body))


def changed(body, key, **fields):
    """``body`` with other fields of the last object of ``key``."""
    return {**body, key: [*body[key][:-1], {**body[key][-1], **fields}]}


def differences(body):
    return [(each.label, each.theirs, each.yours) for entry in plan_of(body).entries for each in entry.differences]


def test_what_is_not_there_is_created_and_what_is_there_is_changed(file):
    before = AlarmCondition.objects.count()
    code, out, err = run("apply", file(FILE), "--yes")
    assert code == 0, err
    assert [line for line in out.splitlines() if line[0] != " "] == [
        "+ create channel operators", "+ create channel desk", "+ create alarm condition Billing Silent",
        "~ change alarm condition Gave Up", "+ create notification rule Nights",
        "+ create audit target siem", "Done."]
    assert AlarmCondition.objects.count() == before + 1
    row = AlarmCondition.objects.get(name="Billing Silent")
    assert (row.detect_event, row.cancel_event, row.application, row.changed_by) == (
        4525, 4526, "Billing", "command line")
    assert (row.reactions, [each.name for each in row.channels.all()], row.clearance_reactions,
            [each.name for each in row.clearance_channels.all()]) == (
        ["restart", "start"], ["operators"], [], ["desk"])
    row = AlarmCondition.objects.get(name="Gave Up")
    assert (row.category, row.predefined, row.revision) == ("major", "gave-up", 2)
    row = Channel.objects.get(name="desk")
    assert (row.settings, row.secret_fields) == ({"url": "https://desk.example.com/alarms"}, {"secret": SECRET})
    row = NotificationRule.objects.get()
    assert ({each.name for each in row.channels.all()}, row.hosts, row.group_s) == (
        {"operators", "desk"}, ["beta", "alpha"], 60)
    assert {entry.object_type for entry in HistoryEntry.objects.all()} == {
        "alarm_condition", "channel", "notification_rule", "audit_target"}


def test_a_plan_shows_each_field_and_writes_nothing(file):
    apply_all(FILE)
    entries = HistoryEntry.objects.count()
    body = changed(FILE, "notification_rules", categories=["major", "critical"], recovery=False, hosts=[])
    body["alarm_conditions"] = [{"name": "Gave Up", "detect_event": "5099", "enabled": False, "reactions": [
        {"channel": "operators"}, "start", {"channel": "desk"}]}]
    code, out, _ = run("apply", file(changed(body, "channels", url="https://other.example.com/")))
    assert code == 2
    assert [line.strip() for line in out.splitlines() if line.startswith("    ")] == [
        "URL: https://desk.example.com/alarms → https://other.example.com/",
        f"Detect Event: {written(Own.GAVE_UP)} → 00-05099", "Enabled: Yes → No",
        "Reactions: (empty) → start, channel desk, channel operators",
        "Categories: critical → critical, major", "Hosts: alpha, beta → (empty)", "Recovery Message: Yes → No"]
    assert HistoryEntry.objects.count() == entries


def test_a_plan_says_which_filters_of_a_rule_nothing_fits(file):
    body = FILE | {"notification_rules": [{
        "name": "Nights", "channels": ["operators"], "conditions": ["Billing Silent", "No Such"], "hosts": ["al*"],
        "applications": ["nope_*"], "pairs": ["MS_Backup"]}]}
    _, out, _ = run("apply", file(body))
    assert [line.strip() for line in out.splitlines() if "is told until" in line] == [
        f"! There is no {what}: no alarm of it is told until there is one." for what in (
            "alarm condition No Such", "application nope_*", "host al*", "pair MS_Backup")]
    make_pair()
    out = run("apply", file(body))[1]
    assert "pair MS_Backup" not in out
    assert "application nope_*" in out


@pytest.mark.parametrize("key", LISTED)
def test_the_same_file_again_changes_nothing(key):
    apply_all(FILE)
    plan = plan_of({key: FILE[key]})
    assert (plan.is_empty, {entry.action for entry in plan.entries}) == (True, {planned.NOTHING})


def test_the_exported_file_changes_nothing_and_holds_no_secret(file):
    apply_all(FILE)
    code, exported, _ = run("export")
    assert (code, SECRET in exported) == (0, False)
    body = yaml.safe_load(exported)
    assert len(body["alarm_conditions"]) == AlarmCondition.objects.count()
    [own] = [each for each in body["alarm_conditions"] if each["name"] == "Billing Silent"]
    assert (own["reactions"], own["clearance_reactions"]) == (
        ["restart", "start", {"channel": "operators"}], [{"channel": "desk"}])
    assert body["channels"] == [
        {"name": "desk", "description": "", "kind": "webhook", "enabled": True,
         "url": "https://desk.example.com/alarms", "secret": MASK},
        {"name": "operators", "description": "All shifts", "kind": "mail", "enabled": True,
         "to": ["a@example.com", "b@example.com"]}]
    assert body["notification_rules"] == [{
        "name": "Nights", "channels": ["desk", "operators"], "categories": ["critical"], "conditions": [],
        "applications": [], "hosts": ["alpha", "beta"], "pairs": [], "quiet_hours": "22:00-06:00",
        "time_zone": "Europe/Berlin", "wait_s": 30, "repeat_h": 0, "recovery": True, "group_s": 60,
        "limit_per_hour": 5, "enabled": True}]
    assert json.loads(run("export", "--json")[1]) == body
    _, out, err = run("apply", file(exported))
    assert out.splitlines()[-1] == "Nothing to do.", (out, err)
    assert Channel.objects.get(name="desk").secret_fields == {"secret": SECRET}


def test_the_exported_file_makes_the_same_elsewhere_but_asks_for_secrets(file):
    apply_all(FILE)
    exported = run("export")[1]
    for model in (NotificationRule, Channel, AlarmCondition):
        model.objects.all().delete()
    code, _, err = run("apply", file(exported), "--yes")
    assert (code, f"desk: Secret is not known here: {MASK} stands for" in err, Channel.objects.count()) == (2, True, 0)
    assert run("apply", file(exported.replace(MASK, SECRET)), "--yes")[0] == 0
    assert run("export")[1] == exported


def test_an_export_of_some_applications_is_about_nothing_else():
    apply_all(FILE)
    make_application("MS", host=make_host("alpha"))
    assert yaml.safe_load(run("export", "MS")[1]).keys() == {"hosts", "applications"}


@pytest.mark.parametrize(("secret", "told", "kept"), [
    (MASK, [], SECRET), (SECRET, [], SECRET), ("n3w", [("Secret", MASK, f"{MASK} (new value)")], "n3w"),
    (None, [("Secret", MASK, "")], None)])
def test_a_secret_is_kept_or_new_or_removed_and_never_shown(file, secret, told, kept):
    apply_all(FILE)
    body = changed(FILE, "channels", secret=secret)
    assert differences(body) == told
    _, out, err = run("apply", file(body), "--yes", "--json")
    assert Channel.objects.get(name="desk").secret_fields.get("secret") == kept
    assert not [text for text in (SECRET, "n3w") if text in out + err]


def test_a_secret_that_the_file_does_not_name_stays():
    apply_all(FILE)
    apply_all({"channels": [{"name": "desk", "description": "new"}]})
    row = Channel.objects.get(name="desk")
    assert (row.description, row.secret_fields, row.kind) == ("new", {"secret": SECRET}, "webhook")


def test_a_channel_of_another_kind_keeps_nothing_of_the_former_one():
    apply_all(FILE)
    body = {"channels": [{"name": "desk", "kind": "mail", "to": ["c@example.com"]}]}
    assert differences(body) == [
        ("Kind", "webhook", "mail"), ("URL", "https://desk.example.com/alarms", ""), ("Secret", MASK, ""),
        ("To", "", "c@example.com")]
    apply_all(body)
    row = Channel.objects.get(name="desk")
    assert (row.settings, row.secret_fields, plan_of(body).is_empty) == ({"to": "c@example.com"}, {}, True)


@pytest.mark.parametrize("body", [
    {"alarm_conditions": [{"name": "X", "detect_event": " 5024 ", "cancel_event": "43-05025"}]},
    {"alarm_conditions": [{"name": "X", "detect_event": "5024", "selection_mode": "application",
                           "application": " Billing "}]},
    {"channels": [{"name": "X", "kind": "mail", "to": ["a@example.com", " b@example.com", ""]}]},
    {"channels": [{"name": "X", "kind": "webhook", "url": " https://x.example.com/ ", "secret": " blanks "}]},
    {"channels": FILE["channels"], "notification_rules": [
        {"name": "X", "channels": ["desk", "operators", "desk"], "pairs": [" MS ", "MS", "A"]}]},
    {"channels": FILE["channels"], "notification_rules": [
        {"name": "X", "channels": [" desk", "operators "]}]},
])
def test_what_was_typed_in_another_spelling_is_applied_once(body):
    apply_all(body)
    assert plan_of(body).is_empty


@pytest.mark.parametrize(("body", "sentence"), [
    ({"alarm_condition": []}, '"alarm_condition" is unknown. Did you mean "alarm_conditions"?'),
    ({"alarm_conditions": [{"name": "X", "detect": 1}]}, 'X: "detect" is unknown. Did you mean "detect_event"?'),
    ({"channels": [{"name": "X", "knd": "mail"}]}, 'X: "knd" is unknown. Did you mean "kind"?'),
    ({"channels": [{"name": "X", "secrt": "mail"}]}, 'X: "secrt" is unknown. Did you mean "secret"?'),
    ({"notification_rules": [{"name": "X", "wait": 1}]}, 'X: "wait" is unknown. Did you mean "wait_s"?'),
    ({"notification_rules": [{"name": "X", "hosts": "alpha"}]}, "X, hosts: write a list here."),
    ({"notification_rules": [{"name": "X", "hosts": [["alpha"]]}]}, "X, hosts: write a list of single values here."),
    ({"notification_rules": [{"name": "X", "wait_s": "soon"}]}, 'X, wait_s: "soon" is no whole number.'),
    ({"channels": [{"name": "X", "kind": "mail", "to": "a@example.com"}]}, "X, to: write a list here."),
    ({"channels": [{"name": "X"}, {"name": "X"}]}, "X: is there twice."),
    ({"channels": [{"kind": "mail"}]}, "channels, entry 1: name is missing."),
    ({"channels": [{"name": "X"}]}, "X: kind is missing: it is one of mail, webhook"),
    ({"channels": [{"name": "X", "kind": "mial"}]}, "X: There is no kind of channel mial"),
    ({"channels": [{"name": "X", "kind": "mail", "to": ["a@example.com"], "url": "https://x.example.com/"}]},
     "X: A channel of the kind E-mail has no field url."),
    ({"channels": [{"name": "X", "kind": "mail"}]}, "X: To is required."),
    ({"channels": [{"name": "X", "kind": "webhook", "url": "https://x.example.com/", "secret": MASK}]},
     "X: Secret is not known here"),
    ({"alarm_conditions": [{"name": "X"}]}, "X: Detect Event is required"),
    ({"alarm_conditions": [{"name": "X", "detect_event": "a"}]}, "X: Detect Event is no event number."),
    ({"alarm_conditions": [{"name": "Gave Up", "category": "fatal"}]},
     "Gave Up: Category is Critical, Major or Minor."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "application": "Billing"}]},
     "X: Application counts with selection_mode: application only. Write that, or leave application out."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "cancel_timeout": 8761}]},
     "X: Cancel Timeout is 8761; it must lie between 0 and 8760 hours."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "reaction": "restart"}]},
     'X: "reaction" is unknown. Did you mean "reactions"?'),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "clearance_reaction": "restart"}]},
     'X: "clearance_reaction" is unknown. Did you mean "clearance_reactions"?'),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "reactions": "restart"}]},
     "X, reactions: write a list here."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "reactions": [["restart"]]}]},
     "X, reactions: write a list of words, and of key: value pairs in braces, here."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "reactions": ["reboot"]}]},
     "X: Reactions has reboot: write switchover, restart, start."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "reactions": [{"chanel": "desk"}]}]},
     "X: reactions: chanel is no reaction. Write switchover, restart, start or {channel: its name}."),
    ({"alarm_conditions": [{"name": "X", "detect_event": 1, "clearance_reactions": [{"channel": "nobody"}]}]},
     "X: There is no channel nobody. Create it first, or choose another one."),
    ({"notification_rules": [{"name": "X"}]}, "X: Choose at least one channel"),
    ({"notification_rules": [{"name": "X", "channels": ["nobody"]}]}, "X: There is no channel nobody."),
    ({"channels": FILE["channels"], "notification_rules": [{"name": "X", "channels": ["desk"], "categories": ["x"]}]},
     "X: x is no category"),
])
def test_what_cannot_be_is_a_sentence_with_object_and_field_and_changes_nothing(file, body, sentence):
    hosts = {"hosts": [{"name": "alpha", "ip_address": "192.0.2.1"}]}
    code, _, err = run("apply", file({**hosts, **body}), "--yes")
    assert (code, sentence in err, Host.objects.count(), HistoryEntry.objects.count()) == (2, True, 0, 0), err


def test_a_condition_whose_alarms_only_people_end_is_allowed_and_told(file):
    body = {"alarm_conditions": [{"name": "X", "detect_event": 1, "cancel_timeout": 0}]}
    code, out, _ = run("apply", file(body), "--yes")
    assert (code, [line for line in out.splitlines() if "!" in line]) == (
        0, ["    ! Without Cancel Event and Cancel Timeout its alarms end only when somebody clears them."])
    assert "!" not in run("apply", file({"alarm_conditions": [{**body["alarm_conditions"][0], "cancel_event": 2}]}),
                          "--yes")[1]


def test_a_channel_that_was_renamed_is_exported_by_its_new_name():
    apply_all(FILE)
    row = Channel.objects.get(name="desk")
    channels.update_channel(actor=ADMINISTRATOR, channel_id=row.pk, draft=ChannelDraft(
        name="Night Duty", kind=row.kind, fields=channels.draft_of(row).fields))
    [own] = [each for each in yaml.safe_load(run("export")[1])["alarm_conditions"] if each["name"] == "Billing Silent"]
    assert own["clearance_reactions"] == [{"channel": "Night Duty"}]


def test_a_rule_of_a_condition_that_is_not_there_is_allowed_and_told(file):
    body = changed(FILE, "notification_rules", conditions=["Gave Up", "Billing Silent", "Gaev Up"], hosts=[])
    code, out, _ = run("apply", file(body), "--yes")
    assert (code, [line for line in out.splitlines() if "!" in line]) == (
        0, ["    ! There is no application Billing: nothing is done with it until there is one.",
            "    ! There is no alarm condition Gaev Up: no alarm of it is told until there is one."])


def test_a_field_of_another_kind_is_refused_also_where_nothing_else_changes():
    apply_all(FILE)
    with pytest.raises(Refused, match="has no field url"):
        plan_of({"channels": [{"name": "operators", "url": "https://x.example.com/"}]})


def test_whoever_may_only_do_other_things_is_refused():
    for key in LISTED:
        manifest = read_manifest(yaml.safe_dump({key: FILE[key]}).encode())
        with pytest.raises(NotAllowed, match=r"alarm conditions|notification rules|audit shipping"):
            apply.plan(actor=Actor(name="sue", roles=frozenset({Role.OPERATOR})), manifest=manifest, directory=None)


def test_what_somebody_else_saved_after_the_plan_is_not_overwritten():
    apply_all(FILE)
    plan = plan_of({"channels": [{"name": "operators", "description": "mine"}]})
    row = Channel.objects.get(name="operators")
    channels.update_channel(actor=ADMINISTRATOR, channel_id=row.pk, draft=ChannelDraft(
        name=row.name, kind=row.kind, description="theirs", fields=row.settings))
    with pytest.raises(Conflict):
        apply.apply(actor=ADMINISTRATOR, planned=plan)
    assert Channel.objects.get(name="operators").description == "theirs"


def test_a_plan_of_many_asks_no_more_than_one_of_few(django_assert_max_num_queries):
    many = {"channels": [{"name": f"c{n}", "kind": "mail", "to": ["a@example.com"]} for n in range(60)],
            "alarm_conditions": [{"name": f"a{n}", "detect_event": 1, "reactions": [{"channel": f"c{n}"}]}
                                 for n in range(60)]}
    apply_all(many)
    many = {key: [each | {"description": "new"} for each in rows] for key, rows in many.items()}
    many["notification_rules"] = [{"name": f"r{n}", "channels": [f"c{n}"]} for n in range(60)]
    with django_assert_max_num_queries(15):
        assert len(plan_of(many).steps) == 180


def test_the_documented_file_is_accepted():
    body = yaml.safe_load((ROOT / "docs/configuration-file.md").read_text().split("```yaml\n")[1].split("```")[0])
    assert len(plan_of({key: body[key] for key in LISTED}).steps) == 6


def test_what_is_a_list_in_one_kind_of_channel_is_one_in_every_kind():
    lists = {(field.name, field.many) for own in KINDS.values() for field in own}
    assert len(lists) == len({name for name, _ in lists})


# --- audit targets


TARGETS = {"audit_targets": FILE["audit_targets"]}


def test_audit_targets_are_created_changed_and_written_again(file):
    code, out, err = run("apply", file(TARGETS), "--yes")
    assert code == 0, err
    assert "+ create audit target siem" in out.splitlines()
    row = AuditTarget.objects.get()
    assert (row.address, row.token, row.shipment.number) == ("https://siem.example.com/event", SECRET, 0)
    code, out, _ = run("export")
    assert SECRET not in out
    assert yaml.safe_load(out)["audit_targets"][0]["token"] == MASK
    code, out, _ = run("apply", file(out))
    assert (code, out.splitlines()[-1]) == (0, "Nothing to do.")
    assert differences(changed(TARGETS, "audit_targets", description="")) == [("Description", "Ours.", "")]


def test_a_target_that_cannot_be_is_refused_in_the_plan(file):
    code, _, err = run("apply", file(changed(TARGETS, "audit_targets", address="syslog+tcp://169.254.169.254")))
    assert code == 2
    assert "cannot be asked" in err
