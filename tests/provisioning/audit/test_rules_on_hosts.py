"""Rules of the audit that judge by what is true on hosts: what is not known, and hosts as the real world has them."""

from datetime import timedelta

import pytest

from provisioning.audit.judgement import judge
from provisioning.jobs.found import FoundFile
from provisioning.pairs.rules.members import Live

from . import sound as s
from .sound import codes


def test_a_host_that_does_not_answer_makes_its_rules_not_known_and_never_passed():
    facts = s.on_host(status="Unavailable", reason="It is off.")(s.sound())
    found = judge(facts)
    assert {rule.code for rule, _ in found.troubles} == {"A36"}
    unknown = {rule.code for rule, _ in found.unknown}
    assert unknown >= {"A28", "A29", "A33", "A34", "A37", "A45", "A50", "A52", "A54", "A55", "A56"}
    assert not unknown & set(found.passed)


def test_what_was_found_long_ago_is_not_known_any_more():
    facts = s.shows(at=s.NOW - timedelta(hours=3))(s.sound())
    assert {rule.code for rule, _ in judge(facts).unknown} >= {"A28", "A33", "A52"}
    assert codes(facts) == set()


def test_what_was_found_on_another_host_says_nothing():
    assert {rule.code for rule, _ in judge(s.shows(host_id=77)(s.sound())).unknown} >= {"A28", "A33", "A52"}


def test_without_control_what_runs_is_not_known():
    found = judge(s.whole(control_answers=False)(s.sound()))
    assert {rule.code for rule, _ in found.unknown} >= {"A25", "A36", "A38", "A47"}


def test_nothing_was_ever_heard_of_a_member():
    facts = s.of_backup(live=Live())(s.sound())
    assert "A38" in {rule.code for rule, _ in judge(facts).unknown}


def test_a_host_without_a_report_on_a_thing_leaves_its_rule_open():
    facts = s.shows(directory=None, program=None, start_files=None, names=None)(s.sound())
    assert {rule.code for rule, _ in judge(facts).unknown} == {"A28", "A29", "A33", "A37"}


def test_a_machine_whose_own_name_leads_to_its_loopback_is_right():
    facts = s.shows(names={"beta": ("127.0.1.1",), "alpha": ("192.0.2.1",)})(s.sound())
    assert codes(facts) == set()
    facts = s.shows(names={"beta": ("192.0.2.2",), "alpha": ("127.0.1.1",)})(s.sound())
    assert codes(facts) == {"A37"}


def test_an_address_that_leads_each_machine_to_itself_is_told_of_a_pair_on_two_hosts():
    shown = s.shows(names={"alpha": ("192.0.2.1",), "beta": ("127.0.0.1",)})(s.sound())
    facts = s.on_host(ip_address="127.0.0.1")(shown)
    troubles = [trouble.sentence for rule, trouble in judge(facts).troubles if rule.code == "A37"]
    assert any("leads every machine to itself" in sentence for sentence in troubles)
    assert not any("to itself" in trouble.sentence for _, trouble in judge(s.on_one_host(facts)).troubles)


def test_a_name_that_nobody_resolved_in_time_is_not_known():
    found = judge(s.shows(names={"alpha": ("192.0.2.1",)})(s.sound()))
    assert [(rule.code, "nobody said in time" in each.sentence) for rule, each in found.unknown] == [("A37", True)]


@pytest.mark.parametrize(("own", "others", "sentence"), [
    (50 * 1024**2, 10**11, "The disk of host beta where MS_Backup keeps its messages has 50 MB free."),
    (0, 500 * 1024**2, "The disk of host beta where MS_Backup keeps its messages has no room left."),
    (500 * 1024**2, 500 * 1024**2, "The disk of host beta where MS_Backup keeps its messages has 0.5 GB free."),
    (10**11, 500 * 1024**2, None),
    (None, 500 * 1024**2, "The disk of host beta where applications are installed has 0.5 GB free."),
])
def test_the_disk_of_the_own_directory_counts_where_somebody_looked(own, others, sentence):
    facts = s.on_host(disk_free_bytes=others)(s.shows(disk_free_bytes=own)(s.sound()))
    said = [trouble.sentence for rule, trouble in judge(facts).troubles if rule.code == "A56"]
    assert said == ([sentence] if sentence else [])


def test_a_process_that_is_right_is_not_blamed_for_arguments_of_the_object_that_are_wrong():
    assert codes(s.typed(command_line_arguments=s.arguments("MS_Bakup"))(s.sound())) == {"A31"}
    assert codes(s.typed(command_line_arguments="-host other -port 1 -app MS_Backup")(s.sound())) == {"A32"}


def test_a_directory_that_is_closed_to_the_account_is_told_once():
    closed = FoundFile(present=True, usable=False, problem="ms may not enter /opt.")
    assert codes(s.shows(directory=closed, runs=False)(s.sound())) == {"A28"}
