"""Pages that change while somebody looks at them: a real web server, a real Valkey, headless Chromium."""

import re
import time
from pathlib import Path

import pytest
import redis
from playwright.sync_api import expect

from .conftest import legible_in_both

pytestmark = pytest.mark.browser
STARTED = """
now, name = timezone.now(), uuid.uuid4().hex
host = factories.make_host(f"host-{name}", ip_address=f"2001:db8::{name[:4]}:{name[4:8]}")
application = factories.make_application(f"app-{name}", host=host)
job = factories.make_job(application, state="running", started_at=now, enqueued_at=now)
lines(job, "first line")
answer = str(job.pk)
"""
BELOW_THE_END = "log => log.scrollHeight - log.scrollTop - log.clientHeight"


@pytest.fixture
def page(site, chromium):
    context = chromium.new_context(base_url=f"http://127.0.0.1:{site.port}", reduced_motion="reduce")
    name, _, value = site.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{site.port}"}])
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def silence(web_environment):
    """While this file exists control shows no sign of life."""
    file = Path(web_environment[0]["PAIRWISE_DATA_DIR"]) / "control-is-silent"
    yield file
    file.unlink(missing_ok=True)


def test_a_job_is_followed_to_its_report_without_a_reload_and_without_taking_the_focus(page, run):
    key = run(STARTED)
    page.goto(f"/operations/jobs/{key}/")
    page.evaluate("window.sameDocument = true")
    page.locator("#job-cancel").focus()
    run("job = Job.objects.get(pk=key); lines(job, 'second line', 'third line'); now = timezone.now()\n"
               "job.steps.filter(number=0).update(state='done', started_at=now, finished_at=now); tell(job)", key=key)
    expect(page.locator("#job-log")).to_contain_text("third line")
    expect(page.locator(".step").first).to_contain_text("Done")
    expect(page.locator("#job-cancel")).to_be_focused()
    run("job = Job.objects.get(pk=key); lines(job, 'last line')\n"
               "Job.objects.filter(pk=key).update(state='failed', finished_at=timezone.now(), reason='It broke.')\n"
               "tell(job)", key=key)
    expect(page.locator(".outcome")).to_contain_text("It broke.")
    expect(page.locator("#job-state")).to_contain_text("Failed")
    expect(page.locator("#job-log")).to_contain_text("last line")
    expect(page.locator("#job-retry")).to_be_visible()
    expect(page.locator(".log-tail")).to_have_count(0)
    assert page.evaluate("window.sameDocument")
    assert page.locator("#job-log .line").count() == 4
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    run("announce(f'job:{key}')", key=key)
    page.wait_for_timeout(4_000)
    assert [url for url in asked if "/operations/jobs/" in url] == [], "a finished job asks for nothing more"


def test_the_log_follows_its_end_until_somebody_reads_further_up(page, run):
    key = run(STARTED)
    run("lines(Job.objects.get(pk=key), *(f'line {n}' for n in range(200)))", key=key)
    page.goto(f"/operations/jobs/{key}/")
    log, button = page.locator("#job-log"), page.locator("[data-log-end]")
    expect(log).to_contain_text("line 199")
    assert log.evaluate(BELOW_THE_END) < 24
    expect(button).to_be_hidden()
    log.evaluate("log => { log.scrollTop = 0; }")
    expect(button).to_be_visible()
    run("job = Job.objects.get(pk=key); lines(job, 'the newest line'); tell(job)", key=key)
    expect(log).to_contain_text("the newest line")
    assert log.evaluate("log => log.scrollTop") == 0
    button.click()
    expect(button).to_be_hidden()
    assert log.evaluate(BELOW_THE_END) < 24


def test_a_list_takes_up_a_new_row_and_keeps_the_focus(page, run):
    key = run(STARTED)
    page.goto("/operations/jobs/")
    link = page.locator(f"#job-{key}")
    link.focus()
    other = run(STARTED + "tell(job)")
    expect(page.locator(f"#job-{other}")).to_be_visible()
    expect(link).to_be_focused()


@pytest.mark.long
def test_a_lost_stream_is_said_and_the_page_asks_by_itself_until_it_is_back(page, run):
    key = run(STARTED)
    page.route("**/stream/**", lambda route: route.abort())
    page.goto("/operations/jobs/")
    banner = page.locator("#live-banner")
    expect(banner).to_be_visible(timeout=10_000)
    expect(banner).to_contain_text("Live updates are interrupted")
    run("Job.objects.filter(pk=key).update(state='failed', reason='Seen by asking.')", key=key)
    expect(page.locator("#live-list")).to_contain_text("Seen by asking.", timeout=10_000)
    page.unroute("**/stream/**")
    expect(banner).to_be_hidden(timeout=15_000)


@pytest.mark.long
def test_the_eighth_window_of_a_browser_is_as_live_as_the_first_and_all_read_one_stream(page, run):
    key, windows, reads = run(STARTED), [page], []
    page.context.on("request", lambda request: reads.append(request.frame.page) if "/stream/" in request.url else None)
    windows += [page.context.new_page() for _ in range(7)]
    for window in windows:
        # Once somebody reads it, a page that loads is a window that follows.
        window.goto("/operations/jobs/")
    expect(page.locator("#live-list")).to_be_visible()
    tell = "Job.objects.filter(pk=key).update(state='failed', reason=reason)\ntell(Job.objects.get(pk=key))"
    run(tell, key=key, reason="All are told.")
    for window in windows:
        expect(window.locator("#live-list")).to_contain_text("All are told.")
    assert len(reads) == 1
    reads[0].close()
    run(tell, key=key, reason="One of the others reads on.")
    for window in windows:
        if window is not reads[0]:
            expect(window.locator("#live-list")).to_contain_text("One of the others reads on.", timeout=10_000)
    assert len(reads) == 2


@pytest.mark.long
def test_an_open_page_notices_that_control_has_fallen_silent_and_that_it_is_back(page, run, silence):
    keys = run(PAIR)
    page.goto("/provisioning/environment/applications/?q=&size=250")
    chip = page.locator(f"#status-{keys[0]} .chip")
    expect(chip).to_contain_text("Started")
    # What nobody sees is not asked for.
    chip.scroll_into_view_if_needed()
    silence.touch()
    expect(chip).to_contain_text("Unknown", timeout=15_000)
    expect(page.locator(f"#status-{keys[0]}")).to_contain_text("was Started")
    expect(page.locator("#troubles")).to_contain_text("Control does not answer")
    silence.unlink()
    expect(chip).to_contain_text("Started", timeout=15_000)
    expect(page.locator("#troubles .banner")).to_have_count(0)


def test_a_hidden_tab_holds_no_stream_and_is_up_to_date_when_it_is_shown(page, run, valkey):
    client = redis.Redis.from_url(valkey, decode_responses=True)

    def readers(number):
        deadline = time.monotonic() + 10
        while sum(1 for row in client.client_list() if row["cmd"] == "xread") != number:
            assert time.monotonic() < deadline, client.client_list()
            page.wait_for_timeout(50)

    key = run(STARTED)
    page.goto("/operations/jobs/")
    readers(1)
    switch = "value => { Object.defineProperty(document, 'hidden', { value, configurable: true }); " \
             "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(switch, True)
    readers(0)
    run("Job.objects.filter(pk=key).update(state='failed', reason='While away.')", key=key)
    page.evaluate(switch, False)
    expect(page.locator("#live-list")).to_contain_text("While away.")
    readers(1)
    expect(page.locator("#live-banner")).to_be_hidden()
    client.close()


def test_filters_change_the_list_and_the_address_without_a_reload(page, run):
    run(STARTED)
    page.goto("/operations/jobs/")
    page.evaluate("window.sameDocument = true")
    page.get_by_label("Application", exact=True).fill("no such application")
    expect(page.get_by_text("Nothing matches this filter.")).to_be_visible()
    assert "application=no%20such%20application" in page.url
    assert page.evaluate("window.sameDocument")
    expect(page.get_by_label("Application", exact=True)).to_be_focused()


@pytest.mark.parametrize(("width", "folds"), [(1280, False), (390, True)])
@pytest.mark.parametrize(("address", "other", "query"), [
    ("/monitoring/alarms/", "Category", "?category=major"),
    ("/provisioning/environment/applications/", "Host", "?host=x")])
def test_on_a_phone_filters_beside_the_first_are_folded_until_one_is_set(page, width, folds, address, other, query):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    fold = page.locator(".filter-fold summary")
    hidden = page.locator(".filters").get_by_role("combobox", name=other)
    expect(fold).to_be_visible(visible=folds)
    expect(page.locator(".filters .quick .input")).to_be_visible()
    expect(hidden).to_be_visible(visible=not folds)
    if folds:
        fold.press("Enter")
        expect(hidden).to_be_visible()
    page.goto(f"{address}{query}")
    expect(hidden).to_be_visible()


def test_the_address_of_a_host_is_looked_up(page):
    page.goto("/provisioning/environment/hosts/new/")
    page.get_by_role("textbox", name="Name").fill("localhost")
    page.get_by_role("button", name="Look up the address of this name").click()
    expect(page.get_by_label("IP Address")).to_have_value("127.0.0.1")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("localhost")


@pytest.mark.long
def test_leaving_a_form_with_unsaved_work_asks_first(page):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("/provisioning/environment/hosts/new/")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/hosts/")
    assert asked == []
    page.goto("/provisioning/environment/hosts/new/")
    page.get_by_role("textbox", name="Name").fill("edge")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/hosts/")
    assert asked == ["beforeunload"]


def test_cancel_asks_in_a_dialog_and_escape_gives_the_focus_back(page, run):
    key = run(STARTED)
    page.goto(f"/operations/jobs/{key}/")
    page.locator("#job-cancel").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("is stopped again")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#job-cancel")).to_be_focused()


@pytest.mark.long
def test_axe_finds_nothing(page, run):
    key = run(STARTED)
    for path in ("/operations/jobs/", f"/operations/jobs/{key}/", f"/operations/jobs/{key}/cancel/", "/monitoring/",
                 "/monitoring/events/", "/operations/history/", "/provisioning/environment/hosts/",
                 "/provisioning/environment/hosts/1/", "/provisioning/environment/hosts/1/edit/",
                 "/provisioning/environment/templates/", "/provisioning/environment/templates/1/",
                 "/provisioning/environment/templates/import/", "/provisioning/environment/packages/"):
        assert page.goto(path).status == 200, path
        legible_in_both(page)


PAIR = """
from provisioning.models import Application, PairState, RuntimeStatus
Application.objects.filter(name__in=["MS_Primary", "MS_Backup"]).delete()
primary, backup = factories.make_pair(hosts=tuple(
    factories.make_host(f"host-{name}", ip_address=f"2001:db8::{name[:4]}:{name[4:8]}")
    for name in (uuid.uuid4().hex, uuid.uuid4().hex)))
answer = [primary.pk, backup.pk]
"""
SWITCHED = """
now = timezone.now()
PairState.objects.filter(primary=keys[0]).update(active=keys[1], epoch=4, since=now, reason="ada asked for it.")
for key, mode in zip(keys, ("Backup", "Primary")):
    RuntimeStatus.objects.filter(application=key).update(mode=mode, epoch=4, heard_at=now)
    announce(f"application:{key}")
announce(f"pair:{keys[0]}")
"""
TELL_PAIR = "from provisioning.models import PairState, RuntimeStatus\n"


def test_a_role_change_is_told_in_place_and_announced_without_taking_focus_or_scroll(page, run):
    keys = run(PAIR)
    page.goto(f"/monitoring/pairs/{keys[0]}/")
    page.evaluate("window.sameDocument = true")
    page.locator("#pair-pause").focus()
    page.evaluate("window.scrollTo(0, 120)")
    run(TELL_PAIR + SWITCHED, keys=keys)
    sentence = "MS_Backup serves; MS_Primary has every message and takes over if MS_Backup fails."
    expect(page.locator("#pair-sentence")).to_have_text(sentence)
    expect(page.locator("#announcer")).to_have_text(sentence)
    expect(page.locator(".pair-card").nth(1).locator(".pair-roles")).to_contain_text("Primary")
    expect(page.locator("#pair-pause")).to_be_focused()
    assert page.evaluate("window.scrollY") == 120
    assert page.evaluate("window.sameDocument")


@pytest.mark.long
def test_figures_are_asked_for_while_somebody_looks_and_leave_a_selection_alone(page, run):
    keys = run(PAIR)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/part/cards/" in request.url else None)
    page.goto(f"/monitoring/pairs/{keys[0]}/")
    change = TELL_PAIR + "RuntimeStatus.objects.filter(application=key).update(clients=clients)"
    run(change, key=keys[0], clients=77)
    expect(page.locator(".pair-card").first).to_contain_text("77")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.digest'))")
    del asked[:]
    page.wait_for_timeout(3_000)
    assert asked == []
    page.evaluate("getSelection().removeAllRanges()")
    run(change, key=keys[0], clients=78)
    expect(page.locator(".pair-card").first).to_contain_text("78")


@pytest.mark.long
def test_a_proof_that_is_old_is_green_no_longer(page, run):
    keys = run(PAIR)
    page.route("**/probe/", lambda route: route.abort())
    page.goto(f"/monitoring/pairs/{keys[0]}/")
    page.evaluate("""key => {
      const at = new Date(Date.now() - 5000).toISOString();
      document.getElementById(`proven-${key}`).innerHTML =
        `<span class="chip chip-ok">Primary</span> <span data-proven-at="${at}">5 s ago</span>`;
    }""", keys[0])
    badge = page.locator(f"#proven-{keys[0]}")
    assert badge.get_attribute("data-old") is None
    expect(badge).to_have_attribute("data-old", "")


@pytest.mark.long
def test_paused_failover_appears_in_the_header_of_an_open_page(page, run):
    keys = run(PAIR)
    page.goto("/operations/jobs/")
    expect(page.locator("#paused-link")).to_have_count(0)
    pause = TELL_PAIR + "PairState.objects.filter(primary=key).update(automatic_failover=on, paused_reason='update')\n"
    run(pause + "announce(f'pair:{key}')", key=keys[0], on=False)
    expect(page.locator("#paused-link")).to_have_attribute(
        "aria-label", "Failover paused 1: MS_Primary")
    run(pause + "announce(f'pair:{key}')", key=keys[0], on=True)
    expect(page.locator("#paused-link")).to_have_count(0)


@pytest.mark.long
def test_a_storm_of_notices_reads_the_lines_of_the_page_once_in_two_seconds(page, run):
    keys = run(PAIR)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/monitoring/pairs/" in request.url else None)
    page.goto("/monitoring/pairs/?show=")
    expect(page.locator("#pair-rows tr")).not_to_have_count(0)
    with page.expect_response(re.compile("/pairs/rows/")):
        run(TELL_PAIR + "announce(f'pair:{key}', 'status')", key=keys[0])
    del asked[:]
    began = time.monotonic()
    for number in range(10):
        run(TELL_PAIR + "PairState.objects.filter(primary=key).update(automatic_failover=on)\n"
            "announce(f'pair:{key}', 'status')", key=keys[0], on=number % 2 == 1)
        page.wait_for_timeout(200)
    expect(page.locator("#pair-rows tr").filter(has=page.locator(f"#pair-{keys[0]}"))).to_contain_text("On")
    took = time.monotonic() - began
    lines, whole = ([address for address in asked if part in address] for part in ("/pairs/rows/", "/pairs/?"))
    assert 1 <= len(lines) <= took / 2 + 1
    assert len(whole) <= took / 15
