"""Alarms on every page while somebody looks at something else, and the wall display."""

import re

import pytest
from playwright.sync_api import expect

from tests.waiting import wait_for

from .test_live_pages import page

__all__ = ["page"]

pytestmark = pytest.mark.browser
HOSTS = "/provisioning/environment/hosts/"
RAISE = """
from provisioning.models import Alarm, AlarmCondition
row = factories.make_alarm(condition=AlarmCondition.objects.get(predefined=mark), application=application)
announce("alarms")
answer = row.pk
"""
NOBODY_SERVES = """
from provisioning.models import RuntimeStatus
names = [uuid.uuid4().hex for _ in range(2)]
hosts = [factories.make_host(name, ip_address=f"2001:db8:90::{name[:4]}:{name[4:8]}") for name in names]
pair = factories.make_pair(names=tuple(names), hosts=tuple(hosts))
RuntimeStatus.objects.filter(application__in=pair).update(status="Stopped", mode="", served_until=timezone.now())
"""
WALL = "from provisioning.monitoring.services import wall\n"
NO_NOTIFICATIONS = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { return (this.permission = window.permits); }
  constructor(title, options) { window.shown.push([title, options.body]); }
  addEventListener() {}
};
"""


@pytest.fixture(autouse=True)
def no_alarms(run):
    run("from provisioning.models import Alarm; Alarm.objects.all().delete()")


def raise_alarm(run, mark="failover", application="MS_Primary"):
    return run(RAISE, mark=mark, application=application)


def strip_of(page):
    return page.locator(".alarm-line")


def test_an_alarm_is_seen_heard_and_counted_without_a_reload_and_acknowledged_where_one_is(page, run, accessible):
    page.goto(HOSTS)
    page.evaluate("window.sameDocument = true")
    tab = page.locator("#tab-monitoring")
    expect(tab).to_have_text("Monitoring")
    expect(strip_of(page)).to_have_count(0)
    raise_alarm(run)
    expect(strip_of(page)).to_contain_text("Failover Happened: MS_Primary — It took over.")
    expect(page).to_have_title(re.compile(r"^\(1!\) Hosts"))
    expect(page.locator("#page-icon")).to_have_attribute("href", re.compile("icon-alarm"))
    expect(page.locator("#announcer")).to_have_text("Major alarm: Failover Happened: MS_Primary. It took over.")
    raise_alarm(run, "gave-up", "MS_Worst")
    expect(strip_of(page)).to_contain_text("Gave Up: MS_Worst")
    expect(page.locator("#strip-more")).to_have_text("and 1 more")
    expect(page).to_have_title(re.compile(r"^\(2!\) Hosts"))
    expect(tab).to_have_text(re.compile(r"Monitoring\s*2,\s*2 active alarms"))
    accessible(page)
    for name in ("Gave Up: MS_Worst", "Failover Happened: MS_Primary"):
        page.get_by_role("link", name=f"Acknowledge {name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_text(f"{name} was acknowledged.")).to_be_visible()
    expect(strip_of(page)).to_have_count(0)
    expect(page).to_have_title(re.compile("^Hosts"))
    expect(page.locator("#page-icon")).not_to_have_attribute("href", re.compile("icon-alarm"))
    assert page.evaluate("window.sameDocument")


@pytest.mark.long
def test_a_page_that_is_not_shown_asks_by_itself(page, run):
    page.clock.install()
    page.goto(HOSTS)
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    raise_alarm(run)
    page.clock.fast_forward(11_000)
    expect(page).to_have_title(re.compile(r"^\(1!\) Hosts"))


def test_an_open_page_says_that_the_log_reader_has_fallen_silent_and_that_it_is_back(page, run):
    beat = ("from datetime import timedelta\nfrom provisioning.models import ComponentHeartbeat\n"
            "ComponentHeartbeat.objects.update_or_create(name='log-reader', defaults={"
            "'at': timezone.now() + timedelta(seconds=seconds)})")
    page.clock.install()
    page.goto("/account/")
    expect(strip_of(page)).to_have_count(0)
    run(beat, seconds=-3600)
    page.clock.fast_forward(6_000)
    expect(strip_of(page)).to_contain_text("The log reader does not answer")
    run(beat, seconds=3600)
    page.clock.fast_forward(6_000)
    expect(strip_of(page)).to_have_count(0)


@pytest.mark.long
def test_what_is_under_the_pointer_is_not_replaced(page, run):
    raise_alarm(run)
    page.goto(HOSTS)
    page.locator("#strip-acknowledge").hover()
    with page.expect_response("**/alarms/strip/"):
        raise_alarm(run, "gave-up", "MS_Worst")
    expect(strip_of(page)).to_contain_text("Failover Happened")
    page.mouse.move(5, 500)
    expect(strip_of(page)).to_contain_text("Gave Up")


@pytest.mark.parametrize("width", [1440, 800, 390])
def test_it_fits_with_the_longest_names(page, run, width):
    raise_alarm(run, "gave-up", "MS_" + "long_name_" * 25)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(HOSTS)
    expect(page.locator("#strip-acknowledge")).to_be_in_viewport(ratio=1)
    expect(page.locator("#strip-open")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "is_first"), [(1280, False), (390, True)])
def test_on_a_phone_the_dashboard_begins_with_the_pairs_in_which_nobody_serves(page, run, width, is_first):
    run(NOBODY_SERVES)
    raise_alarm(run)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/monitoring/")
    tops = [page.locator(title).bounding_box()["y"] for title in ("#pairs-title", "#alarms-title")]
    assert (tops[0] < tops[1]) is is_first


@pytest.mark.long
def test_a_browser_that_was_asked_to_notifies_of_new_alarms_until_it_is_told_to_stop(page, run):
    page.add_init_script(NO_NOTIFICATIONS)
    page.goto("/monitoring/alarms/")
    says, button = page.locator("#notify-state"), page.locator("[data-notify]")
    expect(says).to_have_text("Notifications are off in this browser.")
    page.evaluate("window.permits = 'granted'")
    button.click()
    expect(says).to_have_text("Notifications are on while a page of the console is open in this browser.")
    expect(button).to_have_text("Stop notifying me")
    raise_alarm(run)
    wait_for(lambda: page.evaluate("window.shown.length") == 1, 10, "a notification")
    assert page.evaluate("window.shown[0]") == ["Pairwise", "Major alarm: Failover Happened: MS_Primary. It took over."]
    button.click()
    expect(says).to_have_text("Notifications are off in this browser.")
    raise_alarm(run, "gave-up", "MS_Worst")
    expect(strip_of(page)).to_contain_text("MS_Worst")
    assert page.evaluate("window.shown.length") == 1
    page.evaluate("window.permits = 'denied'; window.Notification.permission = 'default'")
    button.click()
    expect(says).to_have_text("Notifications are blocked: allow them for this site in the browser.")
    expect(button).to_have_attribute("aria-disabled", "true")


@pytest.mark.long
def test_a_browser_without_notifications_says_so(page):
    page.add_init_script("delete window.Notification")
    page.goto("/monitoring/alarms/")
    expect(page.locator("#notify-state")).to_have_text("This browser shows no notifications here: it needs HTTPS.")


@pytest.mark.parametrize(("address", "choice", "shown"), [
    ("/monitoring/alarms/maintenance/new/", "kind", {"host": ["host"], "pair": ["application"],
                                                     "application": ["application"]}),
    ("/provisioning/environment/alarm-conditions/new/", "selection_mode", {
        "any": [], "application": ["application"], "application_type": ["application_type"]})])
def test_a_form_shows_the_fields_that_its_choice_asks_for(page, address, choice, shown):
    page.goto(address)
    fields = page.locator('[data-field="host"], [data-field="application"], [data-field="application_type"]')
    for value, names in shown.items():
        page.select_option(f"[name={choice}]", value)
        assert [each.get_attribute("data-field") for each in fields.all() if each.is_visible()] == names


@pytest.mark.parametrize("width", [1280, 390])
def test_the_address_of_the_wall_display_is_seen_whole_and_can_be_copied(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/monitoring/alarms/")
    page.locator("#wall-display").click()
    page.locator("#wall-make").click()
    address = page.locator("#wall-address")
    expect(address).to_contain_text("/monitoring/wall/")
    assert address.evaluate("e => e.scrollWidth <= e.clientWidth"), "nothing of it is cut off"
    copy = page.locator("[data-copy='#wall-address']")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    copy.click()
    expect(copy).to_have_text("Selected")
    assert page.evaluate("getSelection().toString()").strip() == address.inner_text().strip()


def test_the_wall_display_goes_on_by_itself_and_says_when_nobody_answers(chromium, site, run, accessible):
    token = run(f"{WALL}answer = wall.make_address(actor=factories.ADMINISTRATOR)")
    context = chromium.new_context(base_url=f"http://127.0.0.1:{site.port}")
    page = context.new_page()
    page.clock.install()
    page.goto(f"/monitoring/wall/{token}/")
    expect(page.locator("#wall")).not_to_contain_text("MS_Worst")
    raise_alarm(run, "gave-up", "MS_Worst")
    page.clock.fast_forward(6_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 critical alarm active")
    expect(page.locator("#wall")).to_contain_text("Gave Up: MS_Worst")
    accessible(page)
    context.set_offline(True)
    page.clock.fast_forward(6_000)
    expect(page.locator("#wall-lost")).to_have_text(re.compile(r"No contact with Pairwise since \d\d:\d\d:\d\d"))
    context.set_offline(False)
    page.clock.fast_forward(6_000)
    expect(page.locator("#wall-lost")).to_be_hidden()
    run(f"{WALL}wall.revoke_address(actor=factories.ADMINISTRATOR)")
    page.clock.fast_forward(6_000)
    expect(page.locator("#wall-lost")).to_contain_text("This address is good for nothing any more")
    context.close()
