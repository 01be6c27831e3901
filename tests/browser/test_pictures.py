"""The pictures of the documents, taken of a pair at work: ``./run docs --screenshots`` puts them into docs/images."""

import base64
import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.applications import apply_file, message_server
from tests.scenarios.harness import PATIENCE, Pairwise, wait_for
from tests.scenarios.stomp_client import StompClient

from .conftest import SCREENSHOTS

PRIMARY, BACKUP = "MS_Primary", "MS_Backup"
DIRECTORY = Path(os.environ.get("PICTURES", SCREENSHOTS))
BYTES_MAX = 100_000
QUALITY = 70
CITIES = ("berlin", "paris", "rome")
ENVIRONMENT = "/provisioning/environment/applications/"
PICTURES = {
    "applications": (ENVIRONMENT, "main tbody tr"),
    "editor": (f"{ENVIRONMENT}{{pair}}/", "[data-field=ports]"),
    "pair": ("/monitoring/pairs/{pair}/", ".pair-roles .chip-ok >> nth=1"),
    "messages": ("/monitoring/pairs/{pair}/messages/", ".messages-grid tbody tr"),
    "audit": ("/audit/{pair}/", "#audit-sentence"),
    "dashboard": ("/monitoring/", "main .panel"),
}
"""{name: (address of the page, what is there once it is whole)}."""


@pytest.fixture(scope="module")
def pairwise(tmp_path_factory):
    """A console of its own: nothing of other tests is in a picture."""
    with Pairwise(tmp_path_factory.mktemp("pictures") / "var") as run:
        run.start().wait_host()
        yield run


@pytest.mark.long
def test_pictures_are_taken_of_a_pair_at_work(page: Page, pairwise: Pairwise):
    a_pair_at_work(pairwise)
    page.goto("/monitoring/pairs/")
    place = {"pair": re.search(r"/pairs/(\d+)/", page.locator("main tbody td.name a").first.get_attribute("href"))[1]}
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, (address, whole) in PICTURES.items():
        page.goto(address.format(**place))
        expect(page.locator(whole).first).to_be_visible(timeout=30_000 * PATIENCE)
        picture = taken(page)
        assert 5_000 < len(picture) < BYTES_MAX, name
        (DIRECTORY / f"{name}.webp").write_bytes(picture)


def a_pair_at_work(pairwise: Pairwise) -> None:
    """In sync, with messages, and audited."""
    primary, backup = message_server(PRIMARY, auto_restart=True), message_server(BACKUP, auto_restart=True)
    link = {"backup": BACKUP, "redundancy_type": "warm standby"}
    pairwise.manage("apply", apply_file(pairwise, primary | link, backup), "--yes")
    for verb in ("install", "start"):
        for name in (PRIMARY, BACKUP):
            pairwise.manage(verb, name, "--wait")
    wait_for(lambda: [each["in_sync"] for each in pairwise.status()["pairs"]] == [True], 30, "the pair in sync")
    with StompClient(primary["ports"][0]["port"], "bench", "benchpass") as client:
        for number in range(1, 13):
            client.send(f"/topic/orders/{CITIES[number % len(CITIES)]}", json.dumps({"order": 4700 + number}),
                        type="order")
    pairwise.manage("audit", PRIMARY, check=False)


def taken(page: Page) -> bytes:
    """A picture of what can be seen of ``page``, as WebP, which Playwright itself does not make."""
    session = page.context.new_cdp_session(page)
    made = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(made["data"])
