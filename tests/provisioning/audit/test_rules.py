"""Each rule of the audit fires on what it is about, alone, and on nothing else."""

from dataclasses import replace

import pytest

from docs import audit_rules
from protocol.client_logins import hashed
from provisioning.audit.facts import Hints
from provisioning.audit.judgement import judge, verdict
from provisioning.audit.logins import Logins, logins_of
from provisioning.audit.registry import RULES, ordered
from provisioning.catalog.known_options import KnownOptions
from provisioning.certificates.rules import certificate
from provisioning.drafts import NOT_PASSED_ON, REACH_NOBODY, PortDraft
from provisioning.errors import Link
from provisioning.jobs.found import FoundFile, FoundProcess
from provisioning.pairs.rules.members import PortUse
from provisioning.states import Severity, Verdict

from . import sound as s
from .sound import codes

STRANGER = PortUse(7, "Other")
SECURED = PortDraft(port_id="default", port=7001, protocol="stomp", listening_mode="secured")
DAY_S = 86_400
RANDOM = "Rk3zQ8vT1yLw0pXe"


def certified(port: PortDraft) -> PortDraft:
    return replace(port, transport_parameters="certificate=/c.pem;certificate-key=/k.pem")


def wrong_run_sh(facts):
    file = facts.backup.found.start_files.files[0]
    bad = replace(file, starts=False, equal=False, sentence="In run.sh: -app is wrong.", parameters=tuple(
        replace(each, found="MS_Bakup", state="different") if each.name == "-app" else each
        for each in file.parameters))
    files = replace(facts.backup.found.start_files, files=(bad,), starts=False, equal=False)
    return s.shows(start_files=files)(facts)


def both_start_at(number: int):
    return s.one_after_another(s.on_one_host, s.typed(ports=s.ports(number)), lambda facts: replace(
        facts, backup=replace(facts.backup, live=replace(facts.backup.live, ports={"default": number,
                                                                                   "sync": number + 1}))))


def without_backup(facts):
    return replace(facts, backup=None)


def without_host(facts):
    return replace(facts, backup=replace(facts.backup, host=None, draft=replace(facts.backup.draft, command_line=".")))


log_here = s.whole(log_to=Link("application", "1", "MS_Primary"))


def no_port_for_clients():
    return (replace(s.ports(7001)[0], protocol="other"), s.ports(7001)[1])


CASES = {
    "A01": without_backup,
    "A02": lambda facts: replace(facts, primary=replace(facts.primary, draft=replace(
        facts.primary.draft, redundancy_type="hot standby"))),
    "A03": s.of_backup(type="GenericServer"),
    "A04": s.of_backup(primaries=(Link("application", "1", "MS_Primary"), Link("application", "5", "Third"))),
    "A05": s.of_backup(own_backup=Link("application", "5", "Third")),
    "A06": s.typed(redundancy_type="hot standby"),
    "A07": s.typed(enabled=False),
    "A08": s.on_host(enabled=False),
    "A09": s.on_one_host,
    "A10": s.on_host(directories={"/opt/MS_Backup": (PortUse(2, "MS_Backup"), STRANGER)}),
    "A11": both_start_at(7001),
    "A12": s.on_host(uses={7001: (PortUse(2, "MS_Backup", "default"), PortUse(7, "Other", "default"))}),
    "A13": s.one_after_another(s.typed(ports=(*s.ports(7001)[:2], PortDraft(port_id="extra", port=7009))),
                               s.says(ports={"default": 7001, "sync": 7002, "extra": 7009})),
    "A14": s.one_after_another(
        s.typed_in_both(ports=(PortDraft(port_id="clients", port=7001), s.ports(7001)[1])),
        lambda facts: replace(facts, **{side: replace(getattr(facts, side), live=replace(
            getattr(facts, side).live, ports={"clients": 7001, "sync": 7002})) for side in ("primary", "backup")})),
    "A15": s.typed(ports=(certified(SECURED), s.ports(7001)[1])),
    "A16": s.typed_in_both(ports=(SECURED, s.ports(7001)[1])),
    "A17": s.says(certificates=(certificate("Port default", s.NOW.timestamp() + 3 * DAY_S, s.NOW.timestamp()),)),
    "A18": s.one_after_another(s.typed(ports=s.ports(80)), s.says(ports={"default": 80, "sync": 81})),
    "A19": s.typed(ports=tuple(replace(port, ha_sync=False) for port in s.ports(7001))),
    "A20": s.typed(options={"log": {**s.LOG, "verbose": "all"}}),
    "A21": s.one_after_another(s.on_one_host, s.typed_in_both(
        options={"log": {**s.LOG, "all": "/var/log/ms, network"}})),
    "A22": s.of_backup(draft=replace(s.draft("MS_Backup", 2), connections=(s.connection(),)), connections=("X",)),
    "A24": s.one_after_another(s.typed(log_on_as="ms"), s.says(account="ms")),
    "A25": s.says(account="mallory"),
    "A26": s.typed(tenants="Other"),
    "A27": s.typed_in_both(auto_restart=False),
    "A28": s.shows(directory=FoundFile(present=False)),
    "A29": s.shows(program=FoundFile(present=True, usable=False, problem="MessageServer is not executable.")),
    "A30": s.typed(command_line_arguments="-app MS_Backup"),
    "A31": s.one_after_another(s.typed(command_line_arguments=s.arguments("MS_Bakup")), s.shows(
        process=FoundProcess(pid=4711, arguments=tuple(s.arguments("MS_Bakup").split())))),
    "A32": s.one_after_another(
        s.typed(command_line_arguments="-host other -port 2020 -app MS_Backup"),
        s.shows(process=FoundProcess(pid=4711, arguments=("-host", "other", "-port", "2020", "-app", "MS_Backup")))),
    "A33": wrong_run_sh,
    "A34": s.says(version="8.5.200.00"),
    "A35": s.of_backup(template="Message_Server_90"),
    "A36": s.on_host(lca_port=1999),
    "A37": s.shows(names={"alpha": ("198.51.100.9",), "beta": ("192.0.2.2",)}),
    "A38": s.says(status="Stopped", mode="", link=""),
    "A39": s.of_backup(flaps=1),
    "A40": s.of_backup(longest_start_s=88.0),
    "A42": s.whole(log_to=Link("application", "2", "MS_Backup")),
    "A43": s.typed_in_both(options={"log": {"all": "stdout"}}),
    "A45": s.shows(runs=False, runs_problem="python3: not found"),
    "A46": s.says(by_hand=True),
    "A47": s.whole(in_sync=False, reason="It fell behind."),
    "A48": s.of_backup(waits=("Listening Mode",)),
    "A49": s.typed(name="MS_Primary."),
    "A50": s.on_host(clock_offset_s=90.0),
    "A51": s.says(ports={"sync": 7002}),
    "A52": s.shows(listeners={7001: "python3 (pid 99, account root)"}),
    "A53": s.one_after_another(log_here, s.typed_in_both(ports=no_port_for_clients())),
    "A54": s.shows(process=FoundProcess(pid=4711, arguments=tuple(s.arguments("MS_Primary").split()))),
    "A55": s.shows(changed=("broker.py",)),
    "A56": s.shows(disk_free_bytes=500 * 1024**2),
    "A57": s.whole(automatic_failover=False, paused_by="ada"),
    "A58": s.whole(control_answers=False),
    "A59": s.whole(drill="The drill of yesterday failed: 2 messages were lost."),
    "A60": s.on_host(comes_back_by="nothing"),
    "A61": s.on_host(agent_build="b0"),
    "A62": s.one_after_another(s.typed_in_both(log_on_as="ms"), s.on_host(accounts={"ms": "missing"}),
                               s.as_account("ms")),
    "A63": s.one_after_another(s.typed_in_both(options={"log": {"verbos": "all", "all": "network"}}), s.of_backup(
        hints=Hints(KnownOptions({"log": {name: {"value": "", "help": ""} for name in s.LOG}})))),
    "A65": s.whole(disputed=True, reason="An older control database was put back."),
    "A66": s.says(discarded=3),
    "A67": s.one_after_another(s.typed_in_both(log_on_as="root"), s.as_account("root")),
    "A68": s.of_backup(logins=logins_of({"ann": RANDOM}, {})),
    "A69": s.of_backup(logins=Logins(weak=("ann",))),
    "A70": s.of_backup(logins=logins_of({"ann": hashed(RANDOM), "bob": "{sha256}x"}, {"ann": "all", "bob": "read="})),
    "A71": s.of_backup(logins=logins_of({"ann": hashed(RANDOM)}, {"ann": "read=", "Ann": "read="})),
    "A72": s.of_backup(logins=logins_of({"ann": hashed(RANDOM), "bob": hashed(RANDOM)}, {"ann": "read="})),
    "A73": s.typed(options={"log": s.LOG, "client-rights": {"ann": "read=/topic/a"}}),
    "A64": s.typed_in_both(options={"clients": {"ann": "fingerprint"}, "log": s.LOG}),
}
ALONG = {
    # A name that is nearly the other's is not the one in the arguments any more.
    "A49": {"A31", "A54"},
    # Both on one host is a finding of its own.
    "A11": {"A09", "A12"}, "A21": {"A09"},
}
"""What fires together with it by nature."""


def test_a_pair_that_is_set_up_right_has_no_finding_and_nothing_unknown():
    found = judge(s.sound())
    assert (found.troubles, found.unknown) == ((), ())
    assert len(found.passed) == len(RULES)


def test_a_key_of_the_management_layer_that_nothing_reads_is_found_in_the_annex():
    [(rule, found)] = judge(s.typed_in_both(annex={"sml": {"heartbeat": "10"}})(s.sound())).troubles[:1]
    assert (rule.code, found.subject) == ("A63", "MS_Primary: annex.sml.heartbeat")


def test_every_rule_has_a_case():
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("code", CASES)
def test_a_rule_fires_on_what_it_is_about_and_nothing_else_does(code):
    fired = codes(CASES[code](s.sound()))
    assert code in fired
    assert fired - {code} <= ALONG.get(code, set())


@pytest.mark.parametrize("code", CASES)
def test_a_finding_says_what_is_there_beside_what_should_be(code):
    for rule, trouble in judge(CASES[code](s.sound())).troubles:
        one, other = trouble.values
        assert one.label
        assert other.label
        assert one.text != other.text or rule.code in ("A09", "A10", "A11", "A12", "A21"), trouble
        assert trouble.sentence[0].isupper() or trouble.sentence.startswith("-"), trouble.sentence
        assert trouble.sentence.rstrip()[-1] in ".?", trouble.sentence
        assert trouble.subject


@pytest.mark.parametrize("rule", ordered(), ids=lambda rule: rule.code)
def test_every_rule_has_its_texts(rule):
    for text in (rule.why, rule.fix):
        assert text.endswith(".")
        assert len(text) > 20
    assert rule.title[0].isupper() or rule.title.startswith("-")


# --- the verdict


@pytest.mark.parametrize(("found", "unknown", "said"), [
    ((), (), Verdict.READY), (("note",), ("note",), Verdict.READY), (("warning",), (), Verdict.AT_RISK),
    ((), ("error",), Verdict.AT_RISK), ((), ("warning",), Verdict.AT_RISK), (("error", "note"), (), Verdict.BROKEN),
])
def test_the_verdict_is_the_worst_of_what_is_found_and_what_is_not_known_is_no_good_news(found, unknown, said):
    assert verdict(found, unknown) == said


# --- a few that are easily got wrong


def test_a_secret_that_differs_is_told_without_its_value():
    one, other = ({"clients": {"ann": value}} for value in ("fingerprint-1", "fingerprint-2"))
    facts = s.one_after_another(s.typed(options=other), s.of_primary(draft=replace(
        s.sound().primary.draft, options=one)))(s.sound())
    [(_, trouble)] = [each for each in judge(facts).troubles if each[0].code == "A20"]
    assert "fingerprint" not in str(trouble)


@pytest.mark.parametrize(("login", "passcode", "weak"), [
    ("ann", "", True), ("ann", "short-1", True), ("ann", "aabbaabbaabb", True), ("annabella", "AnnaBella", True),
    ("ann", RANDOM, False), ("ann", hashed("ann"), False)])
def test_a_passcode_that_can_be_guessed_is_a_weak_one(login, passcode, weak):
    assert bool(logins_of({login: passcode}, {}).weak) == weak


def test_logins_are_found_without_anything_of_their_passcodes():
    found = logins_of({"ann": RANDOM, "bob": "{sha256}Secret9", "pairwise.x": RANDOM}, {"ann": "Nothing9"})
    assert RANDOM not in str(found)
    assert "Secret9" not in str(found)
    assert [login for _, login, _ in found.unread] == ["bob", "pairwise.x", "ann"]


def test_of_many_logins_a_few_are_named():
    facts = s.of_backup(logins=Logins(plain=tuple(f"login-{number}" for number in range(9))))(s.sound())
    [(_, trouble)] = judge(facts).troubles
    assert trouble.values[1].text == "login-0, login-1, login-2, login-3, login-4 and 4 more"


def test_a_declared_difference_is_no_finding():
    facts = s.typed(options={"log": {**s.LOG, "verbose": "all"}})(s.sound())
    assert codes(replace(facts, exceptions={"options.log.verbose": "It is watched closely."})) == set()


def test_members_without_a_host_are_told_so():
    facts = without_host(s.sound())
    assert "A08" in codes(facts)


@pytest.mark.parametrize(("agents", "running", "sentence"), [
    ("root", "root", "MS_Backup runs as root: its Log On As stands for the agent's account where it is SYSTEM."),
    ("root", "", "MS_Backup is to run as root: its Log On As stands for the agent's account where it is SYSTEM."),
    ("pairwise", "", None),
])
def test_a_server_runs_as_root_where_its_agent_does_and_nobody_chose_another_account(agents, running, sentence):
    change = s.one_after_another(s.on_host(account=agents),
                                 s.says(account=running) if running else s.says(status="Stopped", account=""))
    found = [found.sentence for rule, found in judge(change(s.sound())).troubles if rule.code == "A67"]
    assert found == ([sentence] if sentence else [])


def test_both_members_in_one_directory_are_told_once():
    same = {"/opt/MS_Primary": (PortUse(1, "MS_Primary"), PortUse(2, "MS_Backup"))}
    facts = s.one_after_another(s.on_one_host, s.typed(working_directory="/opt/MS_Primary"))(s.sound())
    host = replace(facts.primary.host, directories=same)
    facts = replace(facts, primary=replace(facts.primary, host=host), backup=replace(facts.backup, host=host))
    assert [rule.code for rule, _ in judge(facts).troubles if rule.code == "A10"] == ["A10"]


def test_severities_are_those_of_the_field():
    assert {code for code, rule in RULES.items() if rule.severity == Severity.NOTE} == {
        "A22", "A26", "A35", "A43", "A46", "A48", "A49", "A50", "A61", "A63", "A64", "A67",
        "A68", "A72"}


NOTHING_CHOSEN = s.whole(log_to=None)


def logs_to(**options):
    return s.typed_in_both(options={"log": options})


@pytest.mark.parametrize(("change", "sentence"), [
    (logs_to(verbose="standard", all="stdout"), "What MS_Primary tells by itself stays in its own log files"),
    (logs_to(verbose="none", all="network"), "What MS_Primary tells by itself stays in its own log files"),
    (logs_to(), "What MS_Primary tells by itself stays in its own log files"),
    (NOTHING_CHOSEN, "Events of MS_Primary come to the timeline only: no pair is chosen to collect logs.")])
def test_events_that_do_not_reach_the_log_are_told_of_each_server(change, sentence):
    found = [trouble for rule, trouble in judge(change(s.sound())).troubles if rule.code == "A43"]
    assert [trouble.about for trouble in found] == [(1,), (2,)]
    assert found[0].sentence.startswith(sentence)


@pytest.mark.parametrize("change", [
    *(logs_to(verbose="ALL", **{key: "/var/log/ms-1,network"}) for key in (
        "all", "Standard", "interaction", "trace", "debug")),
    s.one_after_another(NOTHING_CHOSEN, logs_to(all="stdout"))])
def test_events_that_are_sent_and_taken_or_neither_are_right(change):
    assert "A43" not in codes(change(s.sound()))


@pytest.mark.parametrize(("log_to", "told"), [("1", [(1,), (2,)]), ("2", [(2,)]), ("9", [])])
def test_a_port_for_clients_is_asked_of_whoever_is_used_as_the_log(log_to, told):
    facts = s.one_after_another(s.whole(log_to=Link("application", log_to, "X")),
                                s.typed_in_both(ports=no_port_for_clients()))(s.sound())
    assert [trouble.about for rule, trouble in judge(facts).troubles if rule.code == "A53"] == told


TOLD_TO_NOBODY = {"tenants": "Other", "reconnect_timeout": 0, "reconnect_attempts": 0}


@pytest.mark.parametrize("change", [
    *(s.typed_in_both(**{name: value}) for name, value in TOLD_TO_NOBODY.items()),
    *(s.typed(**{name: value}) for name, value in TOLD_TO_NOBODY.items())])
def test_what_nobody_is_told_of_is_noted_at_most_and_the_note_says_so(change):
    assert TOLD_TO_NOBODY.keys() == set(REACH_NOBODY)
    found = {rule for rule, _ in judge(change(s.sound())).troubles}
    assert {rule.severity for rule in found} <= {Severity.NOTE}
    assert all(NOT_PASSED_ON in rule.why for rule in found)


def test_a_database_is_asked_for_by_no_rule_while_no_server_writes_into_one():
    facts = s.typed_in_both(options={"messages": {"db_storage": "true"}, "log": s.LOG})(s.sound())
    hints = Hints(KnownOptions({"messages": {"retention-days": {"value": "7", "help": ""}},
                                "log": {name: {"value": "", "help": ""} for name in s.LOG}}))
    facts = replace(facts, primary=replace(facts.primary, hints=hints), backup=replace(facts.backup, hints=hints))
    assert {(rule.code, found.sentence) for rule, found in judge(facts).troubles} == {
        ("A63", "The server knows no db_storage in section [messages] and ignores it.")}


@pytest.mark.parametrize("code", [code for code in CASES if code != "A01"])
def test_members_that_look_alike_differ_in_no_row_of_the_comparison(code):
    facts = CASES[code](s.sound())
    differing = [row for row in facts.comparison.rows if row.state == "differs"]
    assert list(facts.differences) == differing


def test_the_catalogue_is_up_to_date():
    assert audit_rules.PAGE.read_text() == audit_rules.page(), "run: python -m docs.audit_rules"


def test_every_rule_has_its_section():
    assert [line[3:] for line in audit_rules.page().splitlines() if line.startswith("## ")] == sorted(RULES)
