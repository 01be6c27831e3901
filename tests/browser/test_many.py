"""Many applications at once: the grid of host and step, and the failed one tried again alone."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.scenarios.applications import apply_file, message_server

from .conftest import LOOKS, picture

NAMES = ("MS_Many_1", "MS_Many_2", "MS_Many_3")
WORK_MS = 60_000
"""Until so many installations on one machine have ended."""


def choose(page) -> None:
    page.goto("/provisioning/environment/applications/?q=MS_Many")
    for name in NAMES:
        page.get_by_role("row", name=re.compile(name)).get_by_role("checkbox").check()


@pytest.mark.long
def test_install_and_start_on_many_at_once_and_try_the_failed_one_again(pairwise, open_tab, accessible):
    pairwise.manage("apply", apply_file(pairwise, *(message_server(name) for name in NAMES)), "--yes")
    page = open_tab(**LOOKS["light"])
    choose(page)
    page.get_by_role("button", name="Install", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("MS_Many_3 is installed on localhost")
    dialog.get_by_role("button", name="Install 3 applications").click()
    expect(page.get_by_role("heading", name="Install 3 applications")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("3 of 3 ended, 3 succeeded.", timeout=WORK_MS)
    accessible(page)

    break_one(pairwise)
    choose(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Start 3 applications")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("3 of 3 ended, 2 succeeded, 1 did not.", timeout=WORK_MS)
    look_at(page, accessible)

    mend(pairwise)
    page.get_by_role("button", name="Retry 1 that failed").click()
    expect(page.locator("#batch")).to_contain_text("attempt 2")
    expect(page.get_by_role("status").first).to_contain_text("3 of 3 ended, 3 succeeded.", timeout=WORK_MS)
    for name in NAMES:
        pairwise.manage("stop", name, "--wait")


def program(pairwise) -> Path:
    return Path(pairwise.application(NAMES[1])["working_directory"]) / "MessageServer"


def break_one(pairwise) -> None:
    """Its program is gone: somebody cleaned up."""
    shutil.move(program(pairwise), program(pairwise).with_suffix(".away"))


def mend(pairwise) -> None:
    shutil.move(program(pairwise).with_suffix(".away"), program(pairwise))


def look_at(page, accessible) -> None:
    for look, settings in LOOKS.items():
        page.set_viewport_size(settings["viewport"])
        page.emulate_media(color_scheme=settings["color_scheme"])
        picture(page, f"{look}/batch")
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{look} scrolls sideways"
