"""The REST API: a list of 50 of 100,000 applications beside the same queries in plain SQL, and how many reads a second
one web process answers while its pages are asked for, too; and /metrics of 5,000 pairs.

    python -m bench.api [-applications 100000] [-rounds 200] [-seconds 20] [-reads 200]

The list is measured in processor time, in a database of its own. Reads and pages come over HTTP to a real Pairwise: the
reads at an even pace from a process of their own, half of them a list of 50, half of them one application.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = "/api/v1/applications?limit=50"
RATIO_MOST, PAGE_MS = 3.0, 200.0
PAGES = ("/monitoring/", "/provisioning/environment/applications/", "/operations/jobs/", "/monitoring/events/")
CONNECTIONS = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.api", description=__doc__.splitlines()[0])
    parser.add_argument("-applications", type=int, default=100_000)
    parser.add_argument("-rounds", type=int, default=200)
    parser.add_argument("-seconds", type=int, default=20)
    parser.add_argument("-reads", type=int, default=200)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        measure_list(given.applications, given.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        settings = {"PAIRWISE_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "console.settings",
                    "PAIRWISE_LOG_LEVEL": "ERROR"}
        subprocess.run([sys.executable, "-m", "bench.api", "--inside", "-applications", str(given.applications),
                        "-rounds", str(given.rounds)], cwd=ROOT, env={**os.environ, **settings}, check=True)
    subprocess.run([sys.executable, "-m", "bench._metrics"], cwd=ROOT, check=True)
    measure_reads(given.seconds, given.reads)


# --- the list, in a process of its own


def measure_list(applications: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call_command("migrate", verbosity=0)
    fill(applications)
    client = Client(headers={"host": "localhost", "Authorization": f"Bearer {token()}"})
    for name, address in (("first part", LIST), ("far behind", f"{LIST}&cursor={cursor_behind(client, applications)}"),
                          ("by name", f"{LIST}&sort=name")):
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(address)
            asked = [each["sql"] for each in caught]
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}: {answer.content[:500]!r}")
        queries = [sql for sql in asked if "apitoken" not in sql and "auth_" not in sql]
        plain, ours = interleaved(lambda sql=queries: in_plain_sql(sql), lambda at=address: client.get(at), rounds)
        print(json.dumps({
            "bench": "api_list", "part": name, "applications": applications, "rows": len(answer.json()["items"]),
            "bytes": len(answer.content), "queries": len(asked), "median_ms": round(ours, 2),
            "limit_ms": round(plain, 2), "ratio": round(ours / plain, 2), "ratio_most": RATIO_MOST}), flush=True)


def interleaved(one, other, rounds: int) -> tuple[float, float]:
    """Median processor time of each in ms, measured in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for kept, work in zip(times, (one, other), strict=True):
            begun = time.process_time()
            work()
            kept.append((time.process_time() - begun) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def in_plain_sql(queries: list[str]) -> str:
    """All rows that the queries find, as JSON."""
    from django.db import connection

    found = []
    for sql in queries:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            names = [each[0] for each in cursor.description]
            found.append([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])
    return json.dumps(found, default=str)


def cursor_behind(client, applications: int) -> str:
    """The cursor of a part in the middle of the list."""
    from api.paging import _written
    from provisioning.models import Application

    return _written("id", [Application.objects.order_by("pk").values_list("pk", flat=True)[applications // 2]])


def token() -> str:
    from django.contrib.auth.models import Group, User

    from provisioning.accounts.rules.tokens import Draft
    from provisioning.accounts.services.tokens import make_token
    from provisioning.core.permissions import Actor

    owner = User.objects.create(username="bench")
    owner.groups.add(Group.objects.get_or_create(name="Administrator")[0])
    actor = Actor(name="bench", user_id=owner.pk, roles=frozenset({"Administrator"}))
    return make_token(actor=actor, owner=owner, draft=Draft(name="bench", roles=("Administrator",), days=1))[1]


def fill(applications: int) -> None:
    """Ten applications a host, each with two ports, and Started."""
    from django.utils import timezone

    from provisioning.core.control import CONTROL
    from provisioning.models import (
        Application,
        ApplicationTemplate,
        Host,
        HostRuntime,
        ListeningPort,
        RuntimeStatus,
    )
    from provisioning.record.models import ControlBeat

    now = timezone.now()
    template = ApplicationTemplate.objects.create(name="Message_Server", type="MessageServer", version="8.5.100")
    hosts = Host.objects.bulk_create([Host(name=f"host{n}", ip_address=f"10.{n // 65536}.{n // 256 % 256}.{n % 256}")
                                      for n in range(applications // 10)], 500)
    HostRuntime.objects.bulk_create([HostRuntime(host=host, status="Running", heard_at=now) for host in hosts], 500)
    rows = Application.objects.bulk_create(
        [Application(name=f"App_{n}", template=template, type=template.type, version=template.version,
                     host=hosts[n // 10], working_directory=f"/opt/app_{n}", command_line="./MessageServer")
         for n in range(applications)], 500)
    ListeningPort.objects.bulk_create(
        [ListeningPort(application=row, port_id=name, port=first + n % 10, protocol=protocol)
         for n, row in enumerate(rows) for first, name, protocol in ((7000, "default", "stomp"), (7100, "s", "sync"))],
        500)
    RuntimeStatus.objects.bulk_create([RuntimeStatus(application=row, status="Started", mode="Primary", epoch=1,
                                                     heard_at=now) for row in rows], 500)
    ControlBeat.objects.update_or_create(name=CONTROL, defaults={"at": now})


# --- reads over HTTP


def measure_reads(seconds: int, reads: int) -> None:
    from bench._cpu import look, spent
    from bench.console import FILL, python
    from tests.scenarios.harness import Pairwise

    with (tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory,
          Pairwise(Path(directory) / "var") as run):
        browser = run.start().browser()
        python(run, FILL, "1000")
        secret = run.manage("tokens", "add", "bench", "--role", "Administrator").stdout.strip()
        quiet = asked_pages(browser, lambda: False, rounds=5)
        done = threading.Event()
        reader = subprocess.Popen([sys.executable, "-m", "bench._api_reader", run.address, str(seconds), str(reads)],
                                  cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: (reader.wait(), done.set()), daemon=True).start()
        before = look()
        reader.stdin.write(f"{secret}\n")
        reader.stdin.flush()
        busy = asked_pages(browser, done.is_set)
        cores = spent(before, look())["web"] / seconds
        print(json.dumps({"bench": "api_reads", **json.loads(reader.stdout.read()), "pages": len(busy),
                          "web_cores": round(cores, 2), "load": round(os.getloadavg()[0], 1),
                          "page_quiet_ms": round(statistics.median(quiet), 1),
                          "page_median_ms": round(statistics.median(busy), 1),
                          "page_p95_ms": round(statistics.quantiles(busy, n=20)[-1], 1),
                          "page_worst_ms": round(max(busy), 1), "limit_ms": PAGE_MS}), flush=True)


def asked_pages(browser, is_over, rounds: int = 10**6) -> list[float]:
    """ms of each page, one after the other, as long as it is not over."""
    found = []
    for _ in range(rounds):
        for page in PAGES:
            begun = time.perf_counter()
            answer = browser.get(page)
            if answer.status != 200:
                raise SystemExit(f"{page} answered {answer.status}.")
            found.append((time.perf_counter() - begun) * 1000)
            if is_over():
                return found
            time.sleep(0.05)
    return found


if __name__ == "__main__":
    main()
