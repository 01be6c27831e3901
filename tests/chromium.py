"""The headless browser of the tests: one a worker, which everybody takes contexts of."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests.scenarios.harness import PATIENCE

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


WHOLE, SHELL = ("chromium", "chromium-browser", "google-chrome"), "chromium-headless-shell"
"""Names of the browser as people have it, and of the one without windows, which needs a third less of a machine."""


def program(*names: str) -> str:
    """The first of ``names`` that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("Chromium is missing: ./run test installs it.")


@contextmanager
def launched() -> Iterator[Browser]:
    expect.set_options(timeout=10_000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(SHELL, *WHOLE), args=ARGUMENTS)
        yield browser
        browser.close()
