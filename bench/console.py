"""Click on Start to Started, and a page of a list with 10,000 applications, on a real Pairwise.

    python -m bench.console [-starts 10] [-applications 10000] [-pages 30]

Both figures stand beside a limit of the same run: a start beside the bare start of the same program (interpreter and
modules, no network, no store), a page beside the same page while the list was nearly empty.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.scenarios.applications import apply_file, message_server
from tests.scenarios.browserless import Browserless
from tests.scenarios.harness import ROOT, Pairwise, wait_for

NAME = "Bench"
LIST = "/provisioning/environment/applications/"
STARTED_S_MAX = 30
FILL = """
import sys
import django
django.setup()
from django.utils import timezone
from provisioning.models import Application, ApplicationTemplate, Host, ListeningPort, RuntimeStatus
count, template, host = int(sys.argv[1]), ApplicationTemplate.objects.first(), Host.objects.first()
rows = Application.objects.bulk_create(
    [Application(name=f"App_{n:05}", template=template, type=template.type, version=template.version, host=host,
                 working_directory=f"/opt/app_{n}", command_line="./MessageServer") for n in range(count)], 500)
ListeningPort.objects.bulk_create(
    [ListeningPort(application=row, port_id=name, port=first + n % 20_000, protocol=protocol)
     for n, row in enumerate(rows) for first, name, protocol in ((10_000, "default", "stomp"), (30_000, "s", "sync"))],
    500)
RuntimeStatus.objects.bulk_create(
    [RuntimeStatus(application=row, status="Started", mode="Primary", epoch=1, changed_at=timezone.now())
     for row in rows], 500, ignore_conflicts=True)  # control is writing what it thinks of them at the same time
"""


def python(run: Pairwise, code: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, env=run.environment, check=True)


def seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def middle(values: list[float]) -> dict:
    ordered = sorted(values)
    return {"median_ms": round(statistics.median(ordered) * 1000, 1), "worst_ms": round(ordered[-1] * 1000, 1)}


def measure_starts(run: Pairwise, browser: Browserless, count: int) -> dict:
    """From the POST of the Start button until the row's own fragment says Started."""
    run.manage("apply", apply_file(run, message_server(NAME)), "--yes")
    run.manage("install", NAME, "--wait")
    key = re.search(rf"{LIST}(\d+)/", browser.get(f"{LIST}?q={NAME}").text)[1]
    directory = run.application(NAME)["working_directory"]
    shows = f"{LIST}{key}/status/"
    taken, bare = [], []
    for _ in range(count):
        taken.append(seconds(lambda: (
            browser.post(f"{LIST}action/", {"verb": "start", "ids": key}),
            wait_for(lambda: ">Started<" in browser.get(shows).text, STARTED_S_MAX, "Started", every=0.005))))
        run.manage("stop", NAME, "--wait")
        bare.append(seconds(lambda: subprocess.run(["./MessageServer", "-V"], cwd=directory, check=True,
                                                   capture_output=True)))
    limit = middle(bare)
    return {"bench": "start_to_started", "starts": count, **middle(taken), "limit_ms": limit["median_ms"],
            "ratio": round(middle(taken)["median_ms"] / limit["median_ms"], 2)}


def measure_list(run: Pairwise, browser: Browserless, applications: int, pages: int) -> dict:
    """A page from the middle of the list, by name, as the browser gets it over HTTP from uvicorn."""
    def page(number: int) -> list[float]:
        return [seconds(lambda: browser.get(f"{LIST}?page={number}")) for _ in range(pages)]

    python(run, FILL, "100")
    page(1)
    short = middle(page(1))
    python(run, FILL.replace("App_", "Many_"), str(applications))
    page(2)
    long = middle(page(applications // 100))
    return {"bench": "list_page", "applications": applications, "rows_a_page": 50, **long,
            "limit_ms": short["median_ms"], "ratio": round(long["median_ms"] / short["median_ms"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.console", description=__doc__.splitlines()[0])
    parser.add_argument("-starts", type=int, default=10)
    parser.add_argument("-applications", type=int, default=10_000)
    parser.add_argument("-pages", type=int, default=30)
    given = parser.parse_args()
    with (tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory,
          Pairwise(Path(directory) / "var") as run):
        browser = run.start().browser()
        print(json.dumps(measure_starts(run, browser, given.starts)), flush=True)
        print(json.dumps(measure_list(run, browser, given.applications, given.pages)), flush=True)


if __name__ == "__main__":
    main()
