"""Journeys in headless Chromium against a real Pairwise. Every journey fails on an error in the browser's console."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.ports import free_port
from tests.scenarios.harness import PASSWORD, PATIENCE, Pairwise
from tests.web import ROOT, Web, start_web, web, web_environment

__all__ = ["start_web", "web", "web_environment"]

ASKED_FOR = os.environ.get("TEST_SCREENSHOTS", "")
SCREENSHOTS = Path(ASKED_FOR or Path(__file__).parent / "screenshots")
"""Pictures of pages are taken where somebody asks for them, those of failures always."""
EXPECTED = re.compile(r"Failed to load resource: .* status of (409|422) |^htmx:(sendAbort|afterRequest), |"
                      r"^htmx:oobErrorNoTarget, #(row|option|annex)-")
"""What Chromium notes of a refusal (an answer, no error of the page), and htmx of a check that a newer one replaced or
whose row was removed; a request that failed is htmx:sendError or htmx:responseError and counts."""
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 800, "height": 900}, "color_scheme": "light"},
}
QUICK_LOOK = "light"

MAKE = """
import uuid
from django.utils import timezone
from provisioning.models import Job, JobLine
from provisioning.core.signals import announce
from tests import factories
def lines(job, *texts):
    for text in texts:
        JobLine.objects.create(job=job, number=job.lines.count() + 1, at=timezone.now(), text=text)
def tell(job):
    announce(f"job:{job.pk}", "jobs")
"""
OBEY = """
import json, sys
for line in sys.stdin:
    code, values = json.loads(line)
    exec(code, values)
    print(json.dumps(values.get("answer")), flush=True)
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Pairwise):
                report.sections += list(value.logs().items())
            if isinstance(value, Page) and not value.is_closed():
                SCREENSHOTS.mkdir(parents=True, exist_ok=True)
                value.screenshot(path=SCREENSHOTS / f"failed-{item.name}.png")
                report.sections.append(("page", f"{value.url}\n{value.locator('body').inner_text()[:3000]}"))
    return report


@pytest.fixture(scope="session")
def pairwise(tmp_path_factory):
    with Pairwise(tmp_path_factory.mktemp("pairwise") / "var") as run:
        run.start().wait_host()
        yield run


@pytest.fixture(scope="session")
def site(web_environment):
    """A web server of its own, without control, agent and jobs; tests put into its database what they show."""
    server = Web(*web_environment, free_port())
    yield server
    server.end()


@pytest.fixture(scope="session")
def console(web_environment):
    """A process of the environment of ``site`` that carries out what ``run`` says."""
    process = subprocess.Popen([sys.executable, "manage.py", "shell", "-v0", "-c", OBEY], cwd=ROOT, text=True,
                               env=web_environment[0], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.communicate(timeout=20)


@pytest.fixture
def run(console):
    """Run code in the environment of ``site`` with the given values; gives its ``answer``."""

    def execute(code, **values):
        console.stdin.write(json.dumps([MAKE + code, values]) + "\n")
        console.stdin.flush()
        return json.loads(console.stdout.readline())

    return execute


class Tab:
    """Signed-in pages of one browser context, with what the browser complained about."""

    signed_in: ClassVar[dict[str, tuple[float, list]]] = {}
    """(when, cookies) of the last sign-in at an address, which later tabs begin with: few journeys are about signing
    in."""
    SIGNED_IN_FOR_S = 120
    """So long: later who is signed in would be asked once more before what is dangerous."""

    def __init__(self, browser: Browser, address: str, **look):
        self.address = address
        self.complaints: list[str] = []
        self.context = browser.new_context(base_url=address, **look)
        self.context.set_default_timeout(10_000 * PATIENCE)
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def real_complaints(self) -> list[str]:
        """Without what Chromium cut off itself because somebody on this machine made or removed a network link."""
        cut_off = [text for text in self.complaints if "ERR_NETWORK_CHANGED" in text]
        failed = [text for text in self.complaints if "htmx:sendError" in text][:len(cut_off)]
        return [text for text in self.complaints if text not in cut_off and text not in failed]

    def sign_in(self) -> Page:
        """Whose cookies are still good sees no page: a journey begins with the one that it is about."""
        at, cookies = self.signed_in.get(self.address, (0.0, []))
        self.context.add_cookies(cookies if time.monotonic() - at < self.SIGNED_IN_FOR_S else [])
        if not self.context.request.get("/account/session/").json()["name"]:
            self.page.goto("/")
            self.page.get_by_label("User name").fill("admin")
            self.page.get_by_label("Password", exact=True).fill(PASSWORD)
            self.page.get_by_role("button", name="Sign in").click()
            self.page.wait_for_url("**/provisioning/**")
            self.signed_in[self.address] = time.monotonic(), self.context.cookies()
        return self.page

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def open_tab(chromium, pairwise):
    """``open_tab(**look)`` gives a signed-in page; after the test its browser console must have been quiet."""
    tabs: list[Tab] = []

    def open_(**look) -> Page:
        tabs.append(Tab(chromium, pairwise.address, **(look or LOOKS["light"])))
        return tabs[-1].sign_in()

    yield open_
    complaints = [complaint for tab in tabs for complaint in tab.real_complaints()]
    for tab in tabs:
        tab.close()
    assert complaints == []


@pytest.fixture
def page(open_tab) -> Page:
    return open_tab()


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
"""What of a page is another in dark than in light."""


MOVED = """() => Promise.allSettled(document.getAnimations()
  .filter(each => each.effect.getComputedTiming().endTime !== Infinity).map(each => each.finished))"""
"""Until whatever moves or changes its colour has come to its end, what goes round for ever apart."""


def legible(page: Page, name: str = "", **options) -> None:
    """Fails with what axe found; ``options`` are its own."""
    # A button that waits for its answer is paler.
    expect(page.locator(".htmx-request")).to_have_count(0)
    # So is one whose colour is still on its way.
    page.evaluate(MOVED)
    # Half a megabyte of script is not read anew for a page that has it.
    axe = Axe("" if page.evaluate("'axe' in window") else AXE_SCRIPT)
    found = axe.run(page, **options)
    assert found.violations_count == 0, f"{name or page.url}: {found.generate_report()}"


def legible_in_both(page: Page, name: str = "") -> None:
    """As ``legible``, in light and in dark, in which it leaves the page."""
    page.emulate_media(color_scheme="light")
    legible(page, name)
    page.emulate_media(color_scheme="dark")
    legible(page, name, options=COLOURS)


@pytest.fixture
def accessible():
    """``accessible(page)`` fails with what axe found."""
    return legible


def picture(page: Page, name: str, **options) -> None:
    """A screenshot of what is on ``page`` now; ``name`` may have a folder. ``options`` are those of Playwright."""
    if ASKED_FOR:
        # Playwright makes the folders.
        page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


def look(page: Page, name: str, *, widths: tuple[int, ...] = (1280, 800, 390)) -> None:
    """Pictures of what is on ``page`` now, light and dark, in which it leaves the page."""
    for scheme in ("light", "dark") if ASKED_FOR else ("dark",):
        page.emulate_media(color_scheme=scheme)
        for width in widths if ASKED_FOR else ():
            page.set_viewport_size({"width": width, "height": 860})
            picture(page, f"{name}-{scheme}-{width}")
    page.set_viewport_size(LOOKS["light"]["viewport"])
