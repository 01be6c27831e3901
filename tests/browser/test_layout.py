"""Pages with usual names on a phone, beside the tree and on a desk: words stay whole, fields show what is in them, and
buttons look like buttons."""

import re

import pytest
from playwright.sync_api import expect

from .test_live_pages import page  # noqa: F401 fixture
from .test_long_names import OUTSIDE, PAGES, _open

pytestmark = pytest.mark.browser
WIDTHS = (1280, 800, 390)
MAKE = """
from datetime import timedelta
from provisioning.history import history
from provisioning.audit.worker.run import run_audit
from provisioning.models import Drill, Event, Maintenance, Option, Waiver
from provisioning.models.audit import Finding
from provisioning.core.permissions import Actor
from provisioning.states import AuditTrigger
from tests import factories
hosts = [factories.make_host(f"ms-host-{n}.dc2.example.net", ip_address=f"2001:db8:80::{n}") for n in (1, 2)]
primary, backup = factories.make_pair(hosts=tuple(hosts), names=("MS_Billing_Primary", "MS_Billing_Backup"))
now = timezone.now()
for section, key in (("log", "verbose"), ("messages", "max-header-size"), ("messages", "retention-days")):
    option = Option(application=primary, section=section, key=key)
    option.set_value("4096")
    option.save()
for number in range(20100, 20110):
    Event.objects.create(application=primary, host=hosts[0], number=20104, at=now,
                         text="MS_Billing_Primary: role changed from backup to primary, as it was asked to.")
job = factories.make_job(primary, kind="install", state="succeeded", started_at=now, enqueued_at=now, finished_at=now,
                         result={"version": "8.5.100.02", "directory": "/srv/pairwise/MS"})
Drill.objects.create(primary=primary, primary_name=primary.name, backup_name=backup.name, asked_by="ada",
                     state="passed", started_at=now, finished_at=now, sentence="It took 0.42 s, and nothing was lost.")
before = history.snapshot(primary) | {"description": "before", "working_directory": "/srv/pairwise/other"}
entry = history.record(actor=Actor(name="ada", origin="192.0.2.7"), row=primary, before=before,
                       after=history.snapshot(primary), reason="As the change in the night asked for.")
run_audit(None, trigger=AuditTrigger.SCHEDULE)
found = Finding.objects.first()
Waiver.objects.create(primary=primary, code=found.code, subject=found.subject, fact=found.fact, waived_by="sue",
                      sentence=found.sentence, reason="It is moved.", expires_on=now.date() + timedelta(days=9))
run_audit(None, trigger=AuditTrigger.SCHEDULE)
tails = [factories.make_host(f"message-server-host-{n}.datacenter.example.net", ip_address=f"2001:db8:81::{n}")
         for n in (1, 2)]
names = [f"MessageServer_{role}_East_01_with_a_long_tail" for role in ("Primary", "Backup")]
tailed, other = factories.make_pair(hosts=tuple(tails), names=tuple(names))
Drill.objects.create(primary=tailed, primary_name=tailed.name, backup_name=other.name, state="interrupted",
                     asked_by="bartholomew.montgomery", started_at=now, finished_at=now, sentence="It was cancelled.",
                     figures={"acknowledged": 12345678, "lost": 3, "outage_over_ms": 420.0, "outage_back_ms": 61380.5})
factories.make_job(tailed, state="failed", started_at=now, enqueued_at=now, finished_at=now,
                   reason=f"{tailed.name} ended with code 1.")
Event.objects.create(application=tailed, host=tails[0], number=20104, at=now, text=f"{tailed.name}: role changed.")
run_audit(None, trigger=AuditTrigger.SCHEDULE)
found = Finding.objects.filter(audit__primary=tailed).first()
Waiver.objects.create(primary=tailed, code=found.code, subject=found.subject, fact=found.fact, waived_by="sue",
                      sentence=found.sentence, reason="It is moved.", expires_on=now.date() + timedelta(days=1))
history.record_verb(actor=Actor(name="sue"), row=tailed, reason="It was looked at.")
channel = factories.make_channel("On duty", fields={"url": "https://hooks.example.com/pairwise"})
factories.make_rule(channel, name="At night", pairs=[primary.name])
alarm = factories.make_alarm(application=tailed.name, text=f"{tailed.name} is the active server in epoch 3.")
delivery = factories.make_tried(channel, subject=f"Major: {tailed.name}: Failover Happened", rule_name="At night",
                                alarms=[alarm.pk])
target = factories.make_target("Collector of audits", address="syslog+tls://audits.dc2.example.net")
Maintenance.objects.create(
    kind="pair", name=primary.name, begins_at=now, ends_at=now + timedelta(hours=4),
    created_by="bartholomew.montgomery",
    reason="The power supply of the rack in hall two is replaced by its supplier.")
answer = {"tails": tailed.pk, "primary": primary.pk, "job": str(job.pk), "host": hosts[0].pk, "entry": entry.number,
          "alarm": alarm.pk, "condition": alarm.condition_id, "channel": channel.pk, "delivery": delivery.pk,
          "target": target.pk}
"""
PAGES = {**PAGES, "restore": "/operations/history/{entry}/restore/", "entry": "/operations/history/{entry}/",
         "waivers": "/audit/waivers/", "rules": "/audit/rules/", "alarms": "/monitoring/alarms/",
         "maintenance": "/monitoring/alarms/maintenance/", "notification rules": "/monitoring/notifications/rules/"}
QUICK = {("dashboard", 390), ("restore", 390), ("pair", 800)}
"""The others are for ./run test all."""
CASES = [pytest.param(name, width, marks=() if (name, width) in QUICK else pytest.mark.long)
         for name in PAGES for width in WIDTHS]
BROKEN_WORDS = r"""() => {
  const found = [], texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const outer = text.parentElement;
    if (outer.closest('pre, script, style, option, select, textarea, .visually-hidden')) continue;
    if (outer.closest('thead') && getComputedStyle(outer.closest('thead')).position === 'absolute') continue;
    for (const word of text.data.matchAll(/(?<![^\s(])[A-Za-z]{2,20}(?![^\s.,:;)])/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]);
    }
  }
  return found;
}"""
"""Words of letters alone that stand on more than one line; heads of tables that cards hide do not count."""
PLAIN_BUTTONS = """() => [...document.querySelectorAll('main :is(.grid, .finding, .waived-form) .button')]
  .filter(e => e.checkVisibility() && e.innerText.trim())
  .filter(e => getComputedStyle(e).borderTopColor === 'rgba(0, 0, 0, 0)').map(e => e.outerHTML.slice(0, 160))"""
BROKEN_NAMES = r"""() => {
  const found = [];
  for (const link of document.querySelectorAll('main a')) {
    if (!/_tail\b/.test(link.textContent)) continue;
    const texts = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (const part of text.data.matchAll(/[A-Za-z0-9]+/g)) {
        const range = document.createRange();
        range.setStart(text, part.index);
        range.setEnd(text, part.index + part[0].length);
        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(part[0]);
      }
    }
  }
  return found;
}"""
"""Parts between the marks of a name that stand on more than one line."""
CROWDED = """() => [...document.querySelectorAll('main :is(.panel, .grid-wrap, .grid.cards td)')]
  .filter(e => e.clientWidth > 40 && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 160))"""
"""What is wider than its place."""
CUT_FIELDS = """() => [...document.querySelectorAll('.option-rows input.mono')]
  .filter(e => e.scrollWidth > e.clientWidth).map(e => e.value)"""


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.fixture
def usual(run, made):
    """Keys of what has usual names; made once."""
    if not made:
        made |= run(MAKE)
    return made


@pytest.mark.parametrize(("name", "width"), CASES)
def test_words_stay_whole_and_buttons_in_lists_have_a_border(page, usual, name, width):  # noqa: F811
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES[name].format(**usual))
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate(PLAIN_BUTTONS) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_options_show_their_section_key_and_value_whole(page, usual, width):  # noqa: F811
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES["editor"].format(**usual))
    page.locator("#tab-options").click()
    page.locator(".option-rows input.mono").first.wait_for()
    assert page.evaluate(CUT_FIELDS) == []


def test_the_list_shows_ports_and_the_way_to_the_pair_at_1280_px(page, usual):  # noqa: F811
    page.set_viewport_size({"width": 1280, "height": 900})
    _open(page, PAGES["list"])
    row = page.locator(f"#row-{usual['primary']}")
    assert row.locator(".c-ports").is_visible()
    assert row.locator(".c-backup a").get_attribute("href").startswith(f"/monitoring/pairs/{usual['primary']}/")


@pytest.mark.long
@pytest.mark.parametrize("width", WIDTHS)
def test_the_editors_verbs_have_words(page, usual, width):  # noqa: F811
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES["editor"].format(**usual))
    if page.locator("#more").is_visible():
        page.locator("#more").click()
    for word in page.locator("[role=toolbar] .word").all():
        assert word.bounding_box()["width"] > 20, word.inner_text()


def test_a_phone_has_the_editors_lesser_buttons_below_more(page, usual):  # noqa: F811
    page.set_viewport_size({"width": 390, "height": 900})
    _open(page, PAGES["editor"].format(**usual))
    shown = [each for each in page.locator("[role=toolbar] :is(.button, summary)").all() if each.is_visible()]
    assert [each.inner_text().strip() for each in shown] == ["Cancel", "Save and Close", "Save", "More"]
    assert len({each.bounding_box()["y"] for each in shown}) == 1, "they share a line"
    more, stop = page.locator("#more"), page.locator("#verb-stop")
    more.focus()
    page.keyboard.press("Enter")
    expect(stop).to_be_visible()
    assert page.evaluate(OUTSIDE) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save and New")).to_be_focused()
    page.keyboard.press("Escape")
    expect(stop).to_be_hidden()
    expect(more).to_be_focused()
    more.click()
    stop.click()
    expect(page.locator("#dialog")).to_be_visible()
    expect(stop).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(more).to_be_focused()


@pytest.mark.long
def test_what_is_off_below_more_says_why_and_a_click_beside_it_closes_it(page, usual):  # noqa: F811
    page.set_viewport_size({"width": 390, "height": 900})
    _open(page, PAGES["editor"].format(**usual))
    page.locator("#more").click()
    start = page.locator("#verb-start")
    start.click(force=True)
    expect(page.locator(".why")).to_have_text(re.compile("runs already"))
    expect(start).to_be_visible()
    page.locator("h1").click()
    expect(start).to_be_hidden()


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 1100, 800])
@pytest.mark.parametrize("name", ["drills", "waivers", "jobs", "events", "pairs", "audits", "list", "alarms", "alarm",
                                  "maintenance", "conditions", "channels", "notification rules", "deliveries",
                                  "hosts"])
def test_lists_keep_within_their_panel_and_names_break_behind_their_marks(page, usual, name, width):  # noqa: F811
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES[name].format(**usual | {"primary": usual["tails"]}))
    assert page.locator("main .grid tbody tr").count()
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(CROWDED) == []
    assert page.evaluate(BROKEN_WORDS) == []
    if name != "drills":
        assert page.evaluate(BROKEN_NAMES) == []


@pytest.mark.long
def test_names_in_history_break_behind_their_marks_on_a_phone(page, usual):  # noqa: F811
    page.set_viewport_size({"width": 390, "height": 900})
    _open(page, PAGES["history"])
    assert page.locator("main a", has_text="_with_a_long_tail").count()
    assert page.evaluate(BROKEN_NAMES) == []


@pytest.mark.long
def test_the_timeline_of_a_pair_is_short_until_somebody_asks_for_more(page, usual):  # noqa: F811
    _open(page, PAGES["pair"].format(**usual))
    assert page.locator(".story li").count() == 6
    page.locator("#timeline-more").click()
    page.wait_for_url("**page=1**")
    assert page.locator(".story li").count() > 6
    assert page.locator("#timeline-more").count() == 0
