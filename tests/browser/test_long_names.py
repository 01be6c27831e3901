"""Names of 200 characters on every page that shows them, wide and narrow: nothing runs out of the page, and nothing is
cut off that cannot be read by pointing at it."""

import pytest

from .test_live_pages import page  # noqa: F401 fixture

pytestmark = pytest.mark.browser
WIDTHS = (1280, 800, 390)
MAKE = """
from provisioning.models import Application, Event, Reaction, RuntimeStatus, Shipment
from provisioning.history import history
from provisioning.audit.worker.run import run_audit
from provisioning.core.permissions import Actor
from provisioning.states import AuditTrigger
from tests import factories
def long(begin, end):
    return begin + "x" * (200 - len(begin) - len(end)) + end
hosts = [factories.make_host(long(f"host{n}-", f"-{n}.example.org"), ip_address=f"2001:db8:77::{n}") for n in (1, 2)]
names = tuple(long("MS_", end) for end in ("_Primary", "_Backup"))
primary, backup = factories.make_pair(hosts=tuple(hosts), names=names, in_sync=False)
RuntimeStatus.objects.filter(application=backup).update(
    status="Stopped", mode="", reason=f"{backup.name} was killed by signal 9 (SIGKILL).")
for row in (primary, backup):
    Application.objects.filter(pk=row.pk).update(working_directory="/srv/" + "d" * 190)
    row.refresh_from_db()
    Event.objects.create(application=row, number=20104, text=f"{row.name} is not in sync.", at=timezone.now())
job = factories.make_job(primary, kind="check_start_files", state="running", started_at=timezone.now(),
                         enqueued_at=timezone.now())
lines(job, "/srv/" + "d" * 190)
before = history.snapshot(primary) | {"name": backup.name}
history.record(actor=Actor(name="w" * 150, origin="o" * 45), row=primary, before=before,
               after=history.snapshot(primary), reason="r" * 200)
run_audit(None, trigger=AuditTrigger.SCHEDULE)
channel = factories.make_channel(long("Duty", "."), fields={"url": "https://192.0.2.80/" + "u" * 190})
factories.make_rule(channel, name=long("Night", "."), pairs=[primary.name], hosts=[hosts[0].name])
alarm = factories.make_alarm(application=primary.name)
alarm.condition.channels.add(channel)
alarm.condition.clearance_channels.add(channel)
delivery = factories.make_tried(channel, subject=long("Major: ", primary.name[-90:]), rule_name=long("Night", "."),
                                text="t" * 400, alarms=[alarm.pk])
Reaction.objects.create(alarm=alarm, channel=channel, channel_name=channel.name, delivery=delivery, state="done",
                        due_at=timezone.now())
target = factories.make_target(long("Collector", "."), address="syslog+tls://" + "c" * 190, description="d" * 400)
Shipment.objects.update(trouble="t" * 400, tries=3)
answer = {"primary": primary.pk, "backup": backup.pk, "job": str(job.pk), "host": hosts[0].pk, "alarm": alarm.pk,
          "delivery": delivery.pk, "channel": channel.pk, "condition": alarm.condition.pk, "target": target.pk}
"""
PAGES = {
    "list": "/provisioning/environment/applications/",
    "editor": "/provisioning/environment/applications/{primary}/",
    "dashboard": "/monitoring/", "pairs": "/monitoring/pairs/", "pair": "/monitoring/pairs/{primary}/",
    "events": "/monitoring/events/", "job": "/operations/jobs/{job}/", "jobs": "/operations/jobs/",
    "hosts": "/provisioning/environment/hosts/", "host": "/provisioning/environment/hosts/{host}/",
    **{f"{tab} tab": f"/provisioning/environment/applications/{{primary}}/tab/{tab}/"
       for tab in ("dependencies", "history", "jobs", "log")},
    "drills": "/monitoring/pairs/{primary}/drills/", "synchronize": "/monitoring/pairs/{primary}/synchronize/",
    **{name: f"/monitoring/notifications/{name}/" for name in ("channels", "rules", "deliveries", "rules/new")},
    "delivery": "/monitoring/notifications/deliveries/{delivery}/", "alarm": "/monitoring/alarms/{alarm}/",
    "delete channel": "/monitoring/notifications/channels/{channel}/delete/",
    "conditions": "/provisioning/environment/alarm-conditions/?text=Failover",
    "condition": "/provisioning/environment/alarm-conditions/{condition}/edit/",
    "audit shipping": "/operations/audit-shipping/", "audit target": "/operations/audit-shipping/{target}/edit/",
    "history": "/operations/history/", "audits": "/audit/", "audit sheet": "/audit/{primary}/",
}
QUICK = {("list", 390), ("pair", 800), ("audits", 390)}
"""The others are for ./run test all."""
CASES = [pytest.param(name, width, marks=() if (name, width) in QUICK else pytest.mark.long)
         for name in PAGES for width in WIDTHS]
CUT_OFF = """() => {
  const titled = e => e.closest('[title]') || e.querySelector('[title]') || e.title;
  const skip = '.grid thead, .visually-hidden, script, style, input, select, textarea, pre, [hidden], .no-script';
  return [...document.querySelectorAll('main *')].filter(e => {
    if (e.closest(skip) || !e.getClientRects().length) return false;
    const style = getComputedStyle(e);
    if (!['hidden', 'clip'].includes(style.overflowX)) return false;
    return e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 2 && !titled(e);
  }).map(e => e.outerHTML.slice(0, 160));
}"""
STYLED = """() => [...document.querySelectorAll('link[rel=stylesheet]')].every(link => {
  try { return link.sheet?.cssRules.length; } catch { return false; }  // what did not load may not be read
})"""
OUTSIDE = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > wide + 1)
    .slice(0, 6).map(e => Math.round(e.getBoundingClientRect().right) + ' ' + e.outerHTML.slice(0, 160));
}"""


def _open(page, address):  # noqa: F811
    """Open a page with all of its styles: Chromium drops requests when a network link of the machine comes or goes."""
    for _ in range(3):
        assert page.goto(address).ok
        if page.evaluate(STYLED):
            return
    pytest.fail(f"the styles of {address} did not load")


@pytest.fixture(scope="module")
def made():
    return {}


def long(run, made):
    """Keys of what has long names; made once."""
    if "primary" not in made:
        made |= run(MAKE)
    return made


@pytest.mark.parametrize(("name", "width"), CASES)
def test_nothing_runs_out_of_the_page_and_nothing_is_cut_off(page, run, made, name, width):  # noqa: F811
    keys = long(run, made)
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES[name].format(**keys))
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("width", [*WIDTHS, 1400, 1000])
def test_the_list_shows_types_and_the_ends_of_names_that_tell_members_apart(page, run, made, width):  # noqa: F811
    keys = long(run, made)
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, PAGES["list"])
    for key in ("primary", "backup"):
        row = page.locator(f"#row-{keys[key]}")
        assert row.locator(".c-type").is_visible()
        name = row.locator(".c-name a")
        assert name.inner_text().endswith("_Primary" if key == "primary" else "_Backup")
        text, cell = name.bounding_box(), row.locator(".c-name").bounding_box()
        assert text["x"] + text["width"] <= cell["x"] + cell["width"] + 1
        assert text["y"] + text["height"] <= cell["y"] + cell["height"] + 1


USUAL = """
from tests import factories
hosts = [factories.make_host(f"ms-host-{n}.dc1.example.net", ip_address=f"2001:db8:79::{n}") for n in (1, 2)]
factories.make_pair(hosts=tuple(hosts), names=("MS_EMEA_Billing_P", "MS_EMEA_Billing_B"))
"""
ROWS = "rows => rows.map(row => row.offsetHeight)"


@pytest.mark.parametrize(("width", "lines"), [(1920, 1), (1400, 1), (1000, 2), (800, 6), (390, 8)])
def test_rows_with_usual_names_are_low(page, run, made, width, lines):  # noqa: F811
    if "usual" not in made:
        run(USUAL)
        made["usual"] = True
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, f"{PAGES['list']}?host=dc1.example.net")
    heights = page.locator("#rows tbody tr").evaluate_all(ROWS)
    assert len(heights) == 2
    assert max(heights) <= 34 + 27 * (lines - 1), heights
