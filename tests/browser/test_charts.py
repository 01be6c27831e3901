"""Charts in a browser: they are drawn, can be read and operated by everybody, and show new figures by themselves."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import legible, legible_in_both, picture
from .test_live_pages import page  # noqa: F401 fixture
from .test_long_names import OUTSIDE, _open

pytestmark = pytest.mark.browser
MADE = """
import math, random, time
from datetime import UTC, datetime, timedelta
from provisioning.charts.facts import HOST, SERVER, of_points
from provisioning.charts.worker import stored
from provisioning.core.signals import announce
from provisioning.models import Application, Event, Host
from tests.provisioning.charts.made import point
chance, now = random.Random(1), int(time.time())
hosts = [factories.make_host(f"charted-host-{n}.dc2.example.net", ip_address=f"2001:db8:91::{n}") for n in (1, 2)]
pair = factories.make_pair(hosts=tuple(hosts), names=("MS_Charted_Primary", "MS_Charted_Backup"))
Application.objects.update(created_at=datetime.now(UTC) - timedelta(days=60))
Host.objects.update(created_at=datetime.now(UTC) - timedelta(days=60))
def of_server(at, active):
    wave = 1 + math.sin(at / 700) / 2 + chance.random() / 4
    done = 4000 * wave * active
    return point(SERVER, span=10, acknowledged=done, delivered=2 * done, within_1=done * 0.7, within_5=done * 0.25,
                 within_50=done * 0.05, clients=12 * active, waiting_bytes=90_000 * wave * active,
                 disk_free=(50 - 5 * wave) * 2**30, disk_total=80 * 2**30,
                 **({} if active else {"lag": 20 * wave}))
def put(key, kind, step, length, begin, end, make):
    for begins in range(begin // length * length, end, length):
        times = [at for at in range(begins, begins + length, step) if begin <= at < end]
        stored.row_of(kind, key, begins, of_points(kind, step, ((at, make(at)) for at in times))).save()
fails = now // 300 * 300 - 1200
for place, row in enumerate(pair):
    def make(at, place=place):
        if place == 0 and fails <= at < fails + 420:
            return point(SERVER, state=1)
        return of_server(at, (at < fails) == (place == 0))
    put(row.pk, SERVER, 10, 3600, now - 86400, now - 120, make)
    put(row.pk, SERVER, 300, 86400, now - 20 * 86400, now - 120, make)
for host in hosts:
    put(host.pk, HOST, 10, 3600, now - 86400, now - 120, lambda at: point(
        HOST, cpu_percent=40 + 20 * math.sin(at / 500), memory_percent=61, disk_free=300 * 2**30))
Event.objects.create(application=pair[0], number=20102, at=datetime.fromtimestamp(fails + 5, UTC),
                     text="MS_Charted_Backup is the active server: MS_Charted_Primary failed.")
factories.make_job(pair[0], state="succeeded", created_at=datetime.now(UTC) - timedelta(minutes=6))
for minute in range(60, 0, -1):
    stored.keep_minute({pair[0].pk: 300 + chance.randrange(200), pair[1].pk: 0.0}, now // 60 - minute)
answer = {"pair": pair[0].pk, "host": hosts[0].pk}
"""
PAGES = {"pair": "/monitoring/pairs/{pair}/charts/", "host": "/provisioning/environment/hosts/{host}/charts/",
         "application": "/provisioning/environment/applications/{pair}/charts/",
         "month": "/monitoring/pairs/{pair}/charts/?range=30d", "list": "/provisioning/environment/applications/",
         "pairs": "/monitoring/pairs/"}
QUICK = {("pair", 1280), ("pair", 390)}
CASES = [pytest.param(name, width, marks=() if (name, width) in QUICK else pytest.mark.long)
         for name in PAGES for width in (1600, 1280, 800, 390)]


@pytest.fixture(scope="module")
def made():
    return {}


def keys_of(run, made):
    if not made:
        made.update(run(MADE))
    return made


@pytest.mark.parametrize(("name", "width"), CASES)
def test_charts_can_be_read_by_everybody_at_every_width_in_both_colours(page, run, made, name, width):  # noqa: F811
    address = PAGES[name].format(**keys_of(run, made))
    page.set_viewport_size({"width": width, "height": 900})
    _open(page, address)
    legible_in_both(page)
    assert page.evaluate(OUTSIDE) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        picture(page, f"charts-{name}-{scheme}-{width}", full_page=True)


@pytest.mark.long
def test_another_range_a_table_and_what_happened_are_reached_by_keyboard(page, run, made):  # noqa: F811
    keys = keys_of(run, made)
    _open(page, PAGES["pair"].format(**keys))
    page.locator("#charts-24h").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"range=24h"))
    summary = page.locator("#chart-clients-table")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#chart-clients tbody tr").first).to_be_visible()
    page.locator(".chart-story a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/operations/jobs/"))


def test_an_open_page_shows_new_figures_and_leaves_what_was_opened(page, run, made):  # noqa: F811
    keys = keys_of(run, made)
    _open(page, PAGES["pair"].format(**keys))
    page.evaluate("window.sameDocument = true")
    page.locator("#chart-clients-table").click()
    page.locator("#charts-7d").focus()
    key = page.locator("#chart-clients .chart-key").first
    expect(key).not_to_contain_text("4321")
    run("import time; from provisioning.charts.worker import stored; from provisioning.core.signals import announce\n"
        "from tests.provisioning.charts.made import point; now = int(time.time()) // 10 * 10\n"
        "for ago in (60, 50, 40, 30, 20, 10, 0): stored.record({'server': {pair: point(clients=4321)}}, at=now - ago, "
        "holder='browser')\n"
        "announce('figures'); answer = 0", pair=keys["pair"])
    expect(key).to_contain_text("4,321", timeout=25_000)
    expect(page.locator("#chart-clients tbody tr").first).to_be_visible()
    expect(page.locator("#charts-7d")).to_be_focused()
    assert page.evaluate("window.sameDocument")


@pytest.mark.long
def test_in_the_tab_of_the_editor_another_range_stays_there(page, run, made):  # noqa: F811
    keys = keys_of(run, made)
    _open(page, f"/provisioning/environment/applications/{keys['pair']}/?tab=charts")
    expect(page.locator("#chart-rate .chart-drawing")).to_be_visible()
    page.locator("#charts-24h").click()
    expect(page.locator("#charts-24h")).to_have_attribute("aria-current", "true")
    expect(page.locator("#tab-charts")).to_be_visible()
    legible(page)
