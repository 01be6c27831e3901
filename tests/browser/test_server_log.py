"""The tab Server log of a server that runs: its lines, Follow, the search, another file, the log as a file."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.scenarios.applications import started
from tests.scenarios.harness import Pairwise, wait_for

from .conftest import look

NAME = "MS_Logged"
OPTIONS = {"clients": {"bench": "benchpass-of-the-log"}, "log": {"verbose": "standard", "all": "stdout, logs/ms.log"}}


@pytest.fixture(scope="module")
def log(pairwise: Pairwise) -> Path:
    """The log file of a server that is Started, with 2,500 lines before its own."""
    directory = pairwise.data_dir / "apps" / NAME
    facts = started(pairwise, NAME, options=OPTIONS)
    assert facts["status"] == "Started"
    path = directory / "logs/ms.log"
    own = path.read_text()
    path.write_text("".join(f"2026-11-30T08:00:00.000 Std 42-20001 earlier line {number}\n" for number in range(2500))
                    + own)
    return path


def opened(page: Page) -> Locator:
    page.goto("/provisioning/environment/applications/")
    page.get_by_role("link", name=NAME, exact=True).click()
    page.get_by_role("tab", name="Server log").click()
    lines = page.locator("[data-log-lines] li")
    expect(lines.first).to_be_visible()
    return lines


def add(log: Path, text: str) -> None:
    with open(log, "a") as file:
        file.write(text)


@pytest.mark.long
def test_the_log_of_a_server_is_read_in_the_browser(log, page, accessible):
    lines = opened(page)
    expect(lines).to_have_count(500)
    expect(page.locator("[data-log-lines]")).to_contain_text("00-05061")
    page.get_by_role("button", name="Follow").click()
    add(log, "a new line benchpass-of-the-log\nhalf of ")
    expect(page.get_by_text("a new line")).to_be_visible()
    expect(page.locator("[data-log-lines]")).not_to_contain_text("benchpass-of-the-log")
    expect(page.locator("[data-unfinished]")).to_have_text("half of ")
    add(log, "a line\n")
    expect(page.locator("[data-unfinished]")).to_have_count(0)
    expect(lines.last).to_have_text("half of a line")

    page.locator("[data-log-search]").fill("EARLIER LINE 7")
    expect(page.get_by_text("0 of 502 lines")).to_be_visible()
    page.get_by_role("button", name="Search older").click()
    expect(page.get_by_text("earlier line 799", exact=False)).to_be_visible()
    page.locator("[data-log-search]").fill("")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("earlier line 0", exact=False)).to_have_count(1)
    expect(page.get_by_role("link", name="Older")).to_be_hidden()

    log.write_text("fresh\n")
    expect(page.get_by_text("The file was begun anew here.")).to_be_visible()
    expect(lines.last).to_have_text("fresh")

    page.locator("select[name=file]").select_option("stdout")
    expect(page.get_by_label("Lines of stdout")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert "00-05061" in Path(download.value.path()).read_text()


def test_the_server_takes_more_detail_without_a_restart_until_somebody_says_so(pairwise, log, page, accessible):
    pid = pairwise.application(NAME)["pid"]
    opened(page)
    page.get_by_role("button", name="More detail for 15 minutes").click()
    expect(page.get_by_text("writes everything into its log until")).to_be_visible()
    expect(page.locator("[data-log-lines] li").first).to_be_visible()
    accessible(page)
    look(page, "server-log", widths=(1440, 390))
    page.get_by_role("button", name="Back to normal now").click()
    expect(page.get_by_text("The log is back to normal.")).to_be_visible()
    expect(page.get_by_text("writes everything into its log until")).to_have_count(0)
    wait_for(lambda: log.read_text().count("The configuration was changed") == 2, 10, "two changes in the log")
    assert pairwise.application(NAME)["pid"] == pid
