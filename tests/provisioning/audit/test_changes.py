"""What was changed is audited within seconds, and only that."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from protocol.patience import HELD_S
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services.applications import create_application, set_enabled, update_application
from provisioning.audit.worker import run as audits
from provisioning.audit.worker.affected import UNDER_WAY_FOR, affected, audit_affected, fresh, touched_by, unasked
from provisioning.audit.worker.run import forget_old, run_audit
from provisioning.logs.services.setting import choose
from provisioning.models import Application, AuditRun, Console, Drill, PairAudit, PairState, RuntimeStatus
from provisioning.states import AuditTrigger, DrillState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pairs():
    """Two pairs that were audited, and the mark behind everything that made them."""
    first = factories.make_pair()
    hosts = factories.make_host(), factories.make_host()
    backup = factories.make_application("Other_Backup", host=hosts[1], installed=True, ports={"default": 7001})
    primary = factories.make_application("Other_Primary", host=hosts[0], installed=True, backup_server=backup,
                                         ports={"default": 7001})
    assert audit_affected().pairs == 2
    assert affected() == []
    return first, (primary, backup)


def test_a_save_touches_the_pair_of_its_application_and_no_other(pairs):
    (primary, backup), _ = pairs
    set_enabled(actor=factories.ADMINISTRATOR, application_ids=[backup.pk], enabled=False)
    run = audit_affected()
    assert (run.trigger, run.pairs, run.changed) == (AuditTrigger.CHANGE, 1, 1)
    assert PairAudit.objects.get(primary=primary, is_latest=True).findings.filter(code="A07").exists()
    assert audit_affected() is None


def test_another_application_on_the_host_touches_the_pairs_there(pairs):
    (primary, _), _ = pairs
    draft = factories.make_draft(host_id=primary.host_id, ports=(factories.port(number=7999),))
    create_application(actor=factories.ADMINISTRATOR, draft=draft)
    assert primary.pk in affected()


def test_a_server_that_ends_touches_its_pair(pairs):
    (primary, backup), _ = pairs
    RuntimeStatus.objects.filter(application=backup).update(status="Stopped", changed_at=timezone.now())
    assert affected() == [primary.pk]


def test_a_new_durable_record_touches_its_pair(pairs):
    (primary, _), _ = pairs
    PairState.objects.filter(primary=primary).update(version=99)
    assert affected() == [primary.pk]
    run_audit([primary.pk], trigger=AuditTrigger.CHANGE)
    assert affected() == []


def test_a_drill_that_ends_touches_its_pair_and_is_told_when_it_failed(pairs):
    (primary, backup), _ = pairs
    Drill.objects.create(primary=primary, primary_name=primary.name, backup_name=backup.name, asked_by="ada",
                         state=DrillState.FAILED, finished_at=timezone.now(), sentence="2 messages were lost.")
    assert affected() == [primary.pk]
    run_audit([primary.pk], trigger=AuditTrigger.CHANGE)
    found = PairAudit.objects.get(primary=primary, is_latest=True).findings.get(code="A59")
    assert found.sentence == "2 messages were lost."


def test_another_pair_that_collects_logs_touches_all(pairs):
    (primary, _), (other, _) = pairs
    choose(actor=factories.ADMINISTRATOR, application_id=other.pk)
    assert affected() == sorted([primary.pk, other.pk])
    assert affected() == []
    Console.objects.update(log_to=None)
    assert affected() == sorted([primary.pk, other.pk])


def test_a_pair_that_is_no_pair_any_more_is_retired(pairs):
    _, (primary, _) = pairs
    draft = application_draft(Application.objects.get(pk=primary.pk))
    update_application(actor=factories.ADMINISTRATOR, application_id=primary.pk, revision=primary.revision,
                       draft=replace(draft, backup_server_id=None, redundancy_type="not specified"))
    assert primary.pk in affected()


def test_pairs_without_a_result_are_left_to_the_audit_that_is_storing_them():
    pair = factories.make_pair()[0].pk
    assert pair in affected()
    assert affected() == [], "nothing is stored yet, and nothing was changed"


def test_a_pair_that_no_audit_got_to_is_asked_for_again():
    now = timezone.now()
    new, asked = unasked({1, 2}, {}, now)
    assert new == {1, 2}
    assert unasked({1, 2, 3}, asked, now + UNDER_WAY_FOR / 2)[0] == {3}
    assert unasked({1, 2}, asked, now + UNDER_WAY_FOR)[0] == {1, 2}
    assert unasked({1, 2}, asked, now - timedelta(seconds=1))[0] == {1, 2}, "it was asked by a clock that was ahead"
    assert unasked({2}, asked, now)[1].keys() == {"2"}, "what has a result is forgotten"


def test_what_was_seen_is_not_audited_again(pairs):
    (primary, backup), _ = pairs
    RuntimeStatus.objects.filter(application=backup).update(changed_at=timezone.now())
    assert affected() == [primary.pk]
    assert affected() == []


def test_what_becomes_visible_late_is_seen():
    now = timezone.now()
    later = now + timedelta(minutes=1)
    keys, seen = fresh([(1, now)], {}, later)
    assert keys == {1}
    keys, seen = fresh([(1, now), (2, now - timedelta(seconds=1))], seen, later)
    assert keys == {2}
    keys, seen = fresh([(1, now), (2, now - timedelta(seconds=1)), (1, now + timedelta(seconds=1))], seen, later)
    assert keys == {1}
    assert fresh([], seen, later) == (set(), {"until": seen["until"], "rows": []})


def test_a_time_that_has_yet_to_come_hides_no_change_after_the_clock_was_put_right():
    now = timezone.now()
    ahead = now + timedelta(hours=1)
    keys, seen = fresh([(1, ahead)], {}, ahead)
    assert keys == {1}
    keys, seen = fresh([(1, ahead), (2, now)], seen, now)
    assert keys == {2}
    assert datetime.fromisoformat(seen["until"]) == now
    assert fresh([(1, ahead), (2, now)], seen, now)[0] == set()


def test_history_of_a_host_touches_its_old_and_its_new_name():
    entry = {"object_type": "host", "object_id": "7", "object_name": "alpha", "before": {"name": "alfa"},
             "after": {"name": "alpha"}}
    assert touched_by([entry]).hosts == {"alfa", "alpha"}


def test_old_results_are_forgotten_and_the_latest_is_kept(pairs, settings):
    (_, backup), _ = pairs
    set_enabled(actor=factories.ADMINISTRATOR, application_ids=[backup.pk], enabled=False)
    audit_affected()
    later = timezone.now() + timedelta(days=settings.PAIRWISE_AUDIT_KEEP_DAYS + 1)
    assert forget_old(later) == 1
    assert PairAudit.objects.filter(is_latest=True).count() == 2
    assert not AuditRun.objects.filter(results=None).exists()


def test_a_clock_that_jumps_ahead_forgets_no_result(pairs, settings, monkeypatch):
    (_, backup), _ = pairs
    set_enabled(actor=factories.ADMINISTRATOR, application_ids=[backup.pk], enabled=False)
    audit_affected()
    ahead = timedelta(days=settings.PAIRWISE_AUDIT_KEEP_DAYS + 1)
    later, real = timezone.now() + ahead, [0.0]
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    monkeypatch.setattr(audits, "time", SimpleNamespace(time=later.timestamp, monotonic=lambda: real[0]))
    assert forget_old() == 0
    real[0] = HELD_S
    assert forget_old() == 1
