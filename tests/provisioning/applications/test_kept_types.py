"""Of what Pairwise only keeps, it says nothing that it does not know, and offers nothing that does not work."""

import json
import re
from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.applications.selectors.applications import application_list, get_application
from provisioning.applications.services import applications
from provisioning.audit.loader import load
from provisioning.audit.selectors.audits import broken_count
from provisioning.audit.worker.affected import affected, audit_affected
from provisioning.audit.worker.run import run_audit
from provisioning.drills.selectors import due_schedules
from provisioning.drills.services import drills
from provisioning.errors import Refused
from provisioning.jobs.selectors.installed import installed
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Application, DrillSchedule, PairAudit, PairState
from provisioning.monitoring.selectors.monitoring import application_counts
from provisioning.monitoring.selectors.status import status_report
from provisioning.pairs.selectors.page import facts_of_pairs, pair_count, pair_list, pairs_in_order, paused_pairs
from provisioning.pairs.selectors.restored import disputed
from provisioning.pairs.services import pairs, synchronize
from provisioning.states import (
    RUNNABLE_TYPES,
    RUNS,
    SERVER_TYPES,
    ApplicationStatus,
    ApplicationType,
    AuditTrigger,
    RedundancyType,
    Verdict,
)
from tests import factories
from tests.commands import run
from tests.factories import ADMINISTRATOR
from tests.html import flat
from tests.provisioning.posted import LIST

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
KEPT = sorted(set(ApplicationType.values) - RUNNABLE_TYPES)
KEPT_SERVERS = sorted(SERVER_TYPES - RUNNABLE_TYPES)
SENTENCE = "Pairwise keeps the configuration of {}, and installs and starts Message Servers only."
of_kept = pytest.mark.parametrize("kind", KEPT)
of_kept_servers = pytest.mark.parametrize("kind", KEPT_SERVERS)


@pytest.fixture
def kept(request, kind):
    """A pair of ``kind`` as an earlier release may have left it: judged, paused, in dispute, with a schedule."""
    primary, backup = factories.make_pair(
        status=None, automatic_failover=False, paused_by="ada", disputed=True, names=("Kept_1", "Kept_2"))
    template = factories.make_template(f"Of_{kind}", type=kind, options={}, ports=[])
    Application.objects.update(working_directory=".", command_line=".", redundancy_type=RedundancyType.HOT_STANDBY)
    run_audit(trigger=AuditTrigger.SCHEDULE)
    audit_affected()
    DrillSchedule.objects.create(primary=primary, every_days=1, at=time(0), until=time(0), set_at=timezone.now())
    due = due_schedules(timezone.now() + timedelta(days=9))
    assert (broken_count(), pair_count(), len(paused_pairs()), len(disputed()), len(due)) == (1, 1, 1, 1, 1)
    Application.objects.update(type=kind, template=template)
    return get_application(primary.pk), get_application(backup.pk)


# --- pairs of them


@of_kept
def test_a_pair_of_what_is_only_kept_is_no_broken_pair(kept, kind):
    assert (load(), affected()) == ([], [kept[0].pk])
    assert PairAudit.objects.get(is_latest=True).verdict == Verdict.BROKEN


@of_kept
def test_what_an_earlier_release_found_there_goes_by_itself(kept, kind):
    audit_affected()
    assert (PairAudit.objects.filter(is_latest=True).count(), broken_count(), affected()) == (0, 0, [])
    assert run_audit(trigger=AuditTrigger.SCHEDULE).pairs == 0


@of_kept
def test_no_list_and_no_notice_tells_of_it_as_a_pair(kept, kind):
    primary = kept[0].pk
    assert (list(pair_list()), pair_count(), pairs_in_order([primary]), facts_of_pairs([primary])) == ([], 0, [], {})
    assert (paused_pairs(), disputed(), status_report()["pairs"]) == ([], [], [])
    assert due_schedules(timezone.now() + timedelta(days=9)) == []
    Application.objects.update(working_directory="/srv/kept", command_line="./kept")
    assert not installed()


@of_kept_servers
def test_its_pair_page_says_that_it_is_only_kept_and_offers_nothing_else(administrator, kept, kind):
    for row in kept:
        answer = administrator.get(reverse("pair-detail", args=[row.pk]), follow=True)
        main = flat(answer).partition("<main")[2].partition("</main>")[0]
        assert SENTENCE.format("Kept_1 and Kept_2") in main
        assert "<button" not in main
        assert "Install Kept" not in main
        assert {f'href="{reverse("application-edit", args=[each.pk])}' in main for each in kept} == {True}
    Application.objects.update(backup_server=None)
    assert SENTENCE.format("Kept_1") in flat(administrator.get(reverse("pair-detail", args=[kept[0].pk])))


@of_kept
def test_no_verb_of_pairs_is_tried_there(kept, kind):
    primary = kept[0].pk
    asked = {"actor": ADMINISTRATOR, "application_id": primary}
    for work in (
            lambda: pairs.switch_over(**asked, reason="r"), lambda: pairs.pause_failover(**asked, reason="r"),
            lambda: pairs.resume_failover(**asked, reason="r"), lambda: pairs.check_failover(**asked),
            lambda: drills.start_drill(**asked), lambda: synchronize.plan(**asked),
            lambda: synchronize.apply_plan(**asked, revisions=(1, 1))):
        with pytest.raises(Refused) as caught:
            work()
        assert str(caught.value) == SENTENCE.format("Kept_1")
    for command in ("failover_check", "synchronize", "drill", "switchover"):
        code, _, said = run(command, "Kept_2")
        assert (code, said.strip()) == (2, SENTENCE.format("Kept_2"))
    assert why_not(kept, ["switch-over"])[primary]["switch-over"].startswith("Kept_1 is ")


@of_kept_servers
@pytest.mark.parametrize("address", ["pair-switchover", "pair-pause", "pair-drill", "pair-synchronize", "pair-drills"])
def test_a_dialog_of_its_pair_page_that_is_asked_for_says_so_too(administrator, kept, kind, address):
    answer = administrator.get(reverse(address, args=[kept[0].pk]), follow=True)
    assert answer.status_code == 200
    assert "installs and starts Message Servers only." in flat(answer)


@of_kept
def test_no_page_of_it_leads_to_a_pair_page_or_a_sheet(administrator, kept, kind):
    ways = [reverse(name, args=[row.pk]) for name in ("pair-detail", "audit-sheet") for row in kept]
    for address in (LIST, *(reverse("application-edit", args=[row.pk]) for row in kept),
                    *(reverse("application-tab", args=[row.pk, "dependencies"]) for row in kept)):
        page = flat(administrator.get(address))
        assert [way for way in ways if way in page] == [], address
        assert "Make it one of a pair" not in page
    assert administrator.get(reverse("audit-sheet", args=[kept[0].pk])).status_code == 404


HELP = r'class="help" id="[^>]*>|id="[^"]*_rule"[^>]*>\s*<summary[^>]*>\?</summary>\s*<p>|id="option-note">'
PROMISES = re.compile(r"Install fills|Leave blank|started with it|Start again|has failed|is killed|comes back|"
                      r"The server reads|needs -host|agent|Message Servers: Warm")
"""What is said of a Message Server in its editor, and holds of nothing else."""


@of_kept
def test_no_help_in_its_editor_promises_what_is_done_for_message_servers_only(administrator, kind):
    pages = {}
    for type_ in (kind, ApplicationType.MESSAGE_SERVER):
        template = factories.make_template(f"Of_{type_}", type=type_)
        row = factories.make_application(f"A_{type_}", template=template)
        stored = administrator.get(reverse("application-edit", args=[row.pk])).text
        new = administrator.post(reverse("application-fill"), {"template_id": template.pk}).text
        pages[type_] = [" ".join(re.findall(f"(?:{HELP})([^<]*)<", page)) for page in (stored, new)]
    assert [PROMISES.findall(text) for text in pages[kind]] == [[], []]
    for text in pages[ApplicationType.MESSAGE_SERVER]:
        assert len(set(PROMISES.findall(text))) > 5, text


# --- facts of one


@of_kept
def test_startup_type_is_automatic_of_what_is_started_only(administrator, kind):
    for type_ in (kind, ApplicationType.MESSAGE_SERVER):
        row = factories.make_application(f"A_{type_}", template=factories.make_template(f"Of_{type_}", type=type_))
        page = flat(administrator.get(reverse("application-edit", args=[row.pk])))
        assert f"<dt>Startup type</dt><dd>{'Automatic' if type_ in RUNNABLE_TYPES else 'Disabled'}</dd>" in page


@of_kept
@pytest.mark.parametrize("is_installed", [False, True])
@pytest.mark.parametrize(("said", "silent"), [(None, False), ("Stopped", False), ("Unknown", False), ("Gave Up", True)])
def test_that_nothing_runs_of_what_is_only_kept_is_said_by_nobody(administrator, kind, is_installed, said, silent):
    row = factories.make_application("Kept", host=factories.make_host(), status=said, installed=is_installed,
                                     template=factories.make_template(f"Of_{kind}", type=kind))
    factories.control_answers(60 if silent else 0)
    assert (get_application(row.pk).status, application_counts()) == (None, [])
    assert [list(application_list(status=word)) for word in ApplicationStatus.values] == [[]] * len(ApplicationStatus)
    [told] = status_report()["applications"]
    assert [told[name] for name in ("status", "mode", "reason", "known", "last_known", "pid")] == [
        "", "", "", False, None, None]
    assert json.loads(run("status", "--json")[1])["applications"][0]["status"] == ""
    for address in (LIST, reverse("application-edit", args=[row.pk])):
        cell = flat(administrator.get(address)).partition(reverse("application-status", args=[row.pk]))[2]
        assert cell.partition("</span>")[0].endswith('aria-label="none">–')


@of_kept
@pytest.mark.parametrize("sort", ["status", "-status"])
def test_what_has_no_status_comes_last_in_the_order_of_statuses(kind, sort):
    factories.make_application("A", type=kind)
    factories.make_application("B")
    assert [row.name for row in application_list(sort=sort)] == ["B", "A"]


@of_kept_servers
@pytest.mark.parametrize("said", sorted(RUNS))
def test_what_still_runs_there_is_told_of_and_can_be_stopped(kind, said):
    row = factories.make_application("Kept", host=factories.make_host(), status=said, installed=True, type=kind)
    read = get_application(row.pk)
    assert (read.status, [each.status for each in application_counts()]) == (said, [said])
    assert why_not([read], ["stop"])[row.pk] == {}
    factories.control_answers(60)
    assert get_application(row.pk).status == ApplicationStatus.UNKNOWN


@of_kept
@pytest.mark.parametrize("said", [None, ApplicationStatus.UNKNOWN, ApplicationStatus.STOPPED])
def test_what_is_only_kept_can_be_deleted_and_is_not_asked_to_be_stopped_first(kind, said):
    row = factories.make_application("Kept", host=factories.make_host(), status=said, installed=True, type=kind)
    said = why_not([get_application(row.pk)], ["stop", "delete"])[row.pk]
    assert ("delete" in said, "does not run" in said["stop"]) == (False, False)
    applications.delete_applications(actor=ADMINISTRATOR, application_ids=[row.pk])
    assert not Application.objects.exists()


@of_kept
def test_the_dashboard_counts_it_apart(administrator, kind):
    template = factories.make_template(f"Of_{kind}", type=kind)
    for number in range(2):
        factories.make_application(f"Kept_{number}", template=template)
    page = flat(administrator.get(reverse("monitoring")))
    assert "2 without a status: Pairwise keeps the configuration of them only." in page
    assert "No application is configured" not in page
    assert "without a status" not in flat(_dashboard_of_message_servers(administrator))


def _dashboard_of_message_servers(administrator):
    Application.objects.all().delete()
    PairState.objects.all().delete()
    factories.make_application("MS")
    return administrator.get(reverse("monitoring"))
