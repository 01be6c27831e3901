"""The guide's procedure on the Pair page."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.core.control_client import configuration_server
from provisioning.models import Application, Job, PairState, RuntimeStatus
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script

from .pages import detail, part

pytestmark = pytest.mark.django_db


def steps(answer):
    return [step.state for step in answer.context["pair"].steps]


def test_a_server_without_a_backup_is_led_through_the_procedure(administrator):
    host = factories.make_host("edge1")
    primary = factories.make_application("MS_Solo", host=host, installed=True, ports={"default": 7001})
    answer = administrator.get(detail(primary))
    body = answer.content.decode()
    assert "MS_Solo is Unknown and has no Backup Server" in body
    assert f'href="{reverse("application-new")}?template={primary.template_id}"' in body
    assert f'hx-get="{reverse("application-clone", args=[primary.pk])}"' in body
    assert set(steps(answer)) == {"not done"}


def test_the_server_that_is_meant_to_be_the_backup_is_chosen_on_the_page(administrator):
    primary = factories.make_application("MS_Solo", installed=True)
    factories.make_application("MS_One")
    two = factories.make_application("MS_Two")
    factories.make_application("Other", template=factories.make_template("Other", type="GenericServer"))
    answer = administrator.get(detail(primary))
    assert answer.context["pair"].candidate is None
    assert [row.name for row in answer.context["pair"].candidates] == ["MS_One", "MS_Two"]
    answer = administrator.get(f"{detail(primary)}?candidate={two.name}")
    assert answer.context["pair"].candidate.name == "MS_Two"
    assert "Install MS_Two" not in answer.content.decode()
    Application.objects.filter(pk=two.pk).update(host=factories.make_host())
    assert "Install MS_Two" in administrator.get(f"{detail(primary)}?candidate={two.name}").content.decode()


def test_the_only_server_that_could_be_the_backup_is_taken_for_it(administrator):
    primary = factories.make_application("MS_Solo", installed=True)
    factories.make_application("MS_Other")
    assert administrator.get(detail(primary)).context["pair"].candidate.name == "MS_Other"


def test_a_pair_that_was_deployed_keeps_its_page_in_order(operator, pair):
    for row in pair:
        checked(row, starts=True, sentence="run.sh is as it should be.")
    PairState.objects.update(automatic_failover=False)
    RuntimeStatus.objects.filter(application=pair[1]).update(status="Stopped", mode="")
    body = operator.get(detail(pair[0])).content.decode()
    assert body.index('id="pair-timeline"') < body.index('id="pair-guide"')
    PairState.objects.update(active=None)
    body = operator.get(detail(pair[0])).content.decode()
    assert body.index('id="pair-guide"') < body.index('id="pair-timeline"')


def test_the_guide_asks_again_while_a_job_works_on_a_member(operator, pair):
    assert "every 3s" not in operator.get(part(pair[0], "guide")).content.decode()
    job = factories.make_job(pair[1], state="running")
    assert "rows-changed from:body, every 3s" in operator.get(part(pair[0], "guide")).content.decode()
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    assert "every 3s" not in operator.get(part(pair[0], "guide")).content.decode()


def test_what_control_decided_last_is_not_told_of_servers_that_do_not_run(operator, pair):
    assert "MS_Primary was granted the role." in operator.get(part(pair[0], "head")).content.decode()
    RuntimeStatus.objects.update(status="Stopped", mode="")
    assert "was granted the role" not in operator.get(part(pair[0], "head")).content.decode()


def test_stop_is_offered_in_step_3_and_asks_first(operator):
    primary = factories.make_application("MS_Solo", host=factories.make_host(), installed=True, status="Started",
                                         mode="Primary", ports={"default": 7001})
    body = operator.get(part(primary, "guide")).content.decode()
    button = body[:body.index(f'id="guide-stop-{primary.pk}"')].rpartition("<form")[2]
    assert 'name="verb" value="stop"' in button
    assert 'hx-target="#dialog-content"' in button


def test_both_are_started_by_one_button_that_comes_back_here(operator, no_broker):
    primary, backup = factories.make_pair(status="Stopped")
    body = operator.get(detail(primary)).content.decode()
    assert "Start both" in body
    form = body[:body.index(f'id="guide-start-{primary.pk}-{backup.pk}"')].rpartition("<form")[2]
    sent = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(value)
    assert operator.post(reverse("application-action"), sent).url == detail(primary)
    assert Job.objects.filter(kind="start").count() == 2


def checked(row, *, starts, sentence, diff=""):
    """A finished check of the start files of ``row`` as a host reports it."""
    file = {"name": "run.sh", "present": True, "sha256": "a" * 64, "starts": starts, "equal": not diff,
            "sentence": sentence, "diff": diff}
    return factories.make_job(row, kind="check_start_files", state="succeeded", finished_at=timezone.now(),
                              arguments={"directory": row.working_directory}, result={"start_files": {
                                  "application": row.name, "directory": row.working_directory, "files": [file],
                                  "configuration_server": configuration_server()}})


def test_start_files_that_are_wrong_are_shown_with_their_difference_and_repaired(administrator, pair, no_broker):
    primary, backup = pair
    checked(primary, starts=True, sentence="run.sh is as it should be.")
    checked(backup, starts=False, sentence="In run.sh: -app is missing.", diff="--- a\n+++ b\n-old\n+new <x>")
    answer = administrator.get(detail(primary))
    body = answer.content.decode()
    assert steps(answer)[3] == "wrong"
    assert '<span class="diff-new">+new &lt;x&gt;</span>' in body
    address = reverse("application-start-files", args=[backup.pk])
    shown = flat(administrator.get(address, headers=script()))
    assert "In run.sh: -app is missing." in shown
    seen = re.findall(r'name="seen" value="([^"]*)"', shown)
    assert administrator.post(address, {"verb": "repair", "seen": seen, "next": detail(primary)}).url == \
        detail(primary)
    assert Job.objects.get(kind="repair_start_files").arguments["seen"] == {"run.sh": "a" * 64}
    assert "It is being looked at." in administrator.get(detail(primary)).content.decode()


def test_a_repair_of_what_somebody_else_looked_at_again_is_refused_with_the_new_difference(administrator, pair):
    checked(pair[0], starts=False, sentence="Wrong.", diff="+x")
    answer = administrator.post(reverse("application-start-files", args=[pair[0].pk]),
                                {"verb": "repair", "seen": f"run.sh {'b' * 64}"}, headers=script())
    assert answer.status_code == 422
    assert "They were looked at again in the meantime." in answer.content.decode()


def test_an_operator_checks_start_files_and_does_not_repair_them(operator, pair, no_broker):
    address = reverse("application-start-files", args=[pair[1].pk])
    assert operator.post(address, {"verb": "check"}).url == detail(pair[1])
    assert Job.objects.get().kind == "check_start_files"
    Job.objects.update(state="succeeded")
    checked(pair[1], starts=False, sentence="Wrong.", diff="+x")
    assert operator.post(address, {"verb": "repair", "seen": f"run.sh {'a' * 64}"}).status_code == 403
