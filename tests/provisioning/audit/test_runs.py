"""Runs of the audit: what is stored, what is confirmed, what comes and goes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from protocol.client_logins import hashed
from provisioning.audit.worker import run as audits
from provisioning.audit.worker.run import run_audit
from provisioning.models import Application, AuditRun, Finding, Option, PairAudit, Waiver
from provisioning.states import AuditTrigger, Verdict
from tests import factories

pytestmark = pytest.mark.django_db


def latest(primary: Application) -> PairAudit:
    return PairAudit.objects.get(primary=primary, is_latest=True)


def run(*primaries: Application) -> AuditRun:
    return run_audit([row.pk for row in primaries] or None, trigger=AuditTrigger.DEMAND, asked_by="sue")


def change(row: Application, **fields) -> None:
    Application.objects.filter(pk=row.pk).update(**fields)


def test_a_run_stores_what_each_pair_has_and_counts_the_verdicts(pair):
    found = run()
    assert (found.pairs, found.changed, found.asked_by) == (1, 1, "sue")
    assert found.counts == {"broken": 1, "at risk": 0, "ready": 0}
    assert {each.code for each in latest(pair[0]).findings.all()} == {"A30"}


def test_what_is_as_before_is_confirmed_and_not_stored_again(pair):
    run()
    before = latest(pair[0])
    found = run(pair[0])
    assert found.changed == 0
    assert PairAudit.objects.count() == 1
    assert latest(pair[0]).confirmed_at == found.at > before.confirmed_at


def test_a_pair_that_is_deleted_while_it_is_judged_stands_in_no_other_ones_way(pair, monkeypatch):
    primary, backup = factories.make_pair(names=("Other_P", "Other_B"), hosts=(pair[0].host, pair[1].host))
    held = audits.hold_mark

    def deleted_meanwhile():
        change(primary, backup_server=None)
        Application.objects.filter(pk__in=[primary.pk, backup.pk]).delete()
        held()

    monkeypatch.setattr(audits, "hold_mark", deleted_meanwhile)
    run()
    assert latest(pair[0]).verdict == Verdict.BROKEN
    assert PairAudit.objects.count() == 1


def test_a_finding_that_stays_keeps_the_time_since_when_it_is_there(pair):
    run()
    since = Finding.objects.filter(code="A30").first().first_found_at
    change(pair[1], auto_restart=False)
    run()
    now = latest(pair[0]).findings
    assert now.filter(code="A30").first().first_found_at == since
    assert now.get(code="A27").first_found_at > since
    assert PairAudit.objects.count() == 2


def test_what_no_host_has_shown_is_not_known_and_never_passed(pair):
    run()
    row = latest(pair[0])
    codes = {code for entry in row.unknown for code in entry["codes"]}
    assert {"A28", "A33", "A37", "A52", "A54"} <= codes
    assert row.verdict != Verdict.READY


def test_a_pair_that_is_none_any_more_has_no_latest_result(pair):
    run()
    Application.objects.filter(pk=pair[0].pk).update(type="GenericServer", backup_server=None)
    assert run(pair[0]).changed == 1
    assert not PairAudit.objects.filter(primary=pair[0], is_latest=True).exists()


def test_a_waiver_holds_while_the_fact_stays_the_same(pair):
    primary, backup = pair
    change(backup, auto_restart=False)
    run()
    found = latest(primary).findings.get(code="A27")
    waiver = Waiver.objects.create(primary=primary, code="A27", subject=found.subject, fact=found.fact,
                                   sentence=found.sentence, reason="tested by hand", waived_by="sue",
                                   expires_on=timezone.now().date() + timedelta(days=1))
    run()
    row = latest(primary)
    assert (row.warnings, row.waived) == (0, 1)
    assert row.findings.get(code="A27").waiver == waiver
    Waiver.objects.update(fact="another")
    run()
    assert (latest(primary).warnings, latest(primary).waived) == (1, 0)


def test_a_waiver_ends_by_itself_after_its_last_day(pair):
    primary, backup = pair
    change(backup, auto_restart=False)
    run()
    found = latest(primary).findings.get(code="A27")
    Waiver.objects.create(primary=primary, code="A27", subject=found.subject, fact=found.fact, sentence=found.sentence,
                          reason="for a day", waived_by="sue", expires_on=timezone.now().date() - timedelta(days=1))
    run()
    assert latest(primary).warnings == 1


def test_a_single_message_server_is_broken_for_want_of_a_backup():
    row = factories.make_application("MS_Single", host=factories.make_host(), installed=True, ports={"default": 7001})
    run()
    assert "A01" in {each.code for each in latest(row).findings.all()}
    assert latest(row).verdict == Verdict.BROKEN


def test_logins_are_judged_by_how_their_passcodes_are_kept_and_what_they_may(pair):
    Option.objects.filter(application__in=pair, section__in=["clients", "client-rights"]).delete()
    for row, kept in zip(pair, (hashed("Rk3zQ8vT1yLw0pXe"), "short"), strict=True):
        for section, key, value in (("clients", "ann", kept), ("Client_Rights", "ann", "read=/topic/a"),
                                    ("client-rights", "Ann", "all")):
            option = Option(application=row, section=section, key=key)
            option.set_value(value)
            option.save()
    annexed = Option(application=pair[0], annex=True, section="clients", key="bob")
    annexed.set_value("short")
    annexed.save()
    run()
    about = {code: {member for each in latest(pair[0]).findings.filter(code=code) for member in each.about}
             for code in ("A68", "A69", "A70", "A71", "A72", "A73")}
    assert about == {"A68": {pair[1].pk}, "A69": {pair[1].pk}, "A70": {row.pk for row in pair},
                     "A71": {row.pk for row in pair}, "A72": set(), "A73": set()}


def test_any_number_of_pairs_costs_the_same_number_of_queries(pair):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            run()
        return len(caught)

    run()
    once = queries()
    for number in range(6):
        backup = factories.make_application(f"B{number}", host=factories.make_host(), installed=True,
                                            ports={"default": 7001}, options={"log": {"all": "stdout"}})
        factories.make_application(f"P{number}", host=factories.make_host(), installed=True, backup_server=backup,
                                   ports={"default": 7001}, options={"clients": {"ann": "secret"}})
    run()
    assert queries() == once
