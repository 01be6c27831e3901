"""/metrics of many pairs that serve, as Prometheus asks for it, in a process and a database of its own.

    python -m bench._metrics [-pairs 5000] [-rounds 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MS, QUERIES_MOST = 1000.0, 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench._metrics", description=__doc__.splitlines()[0])
    parser.add_argument("-pairs", type=int, default=5000)
    parser.add_argument("-rounds", type=int, default=5)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measured(given.pairs, given.rounds)), flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        settings = {"PAIRWISE_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "console.settings",
                    "PAIRWISE_LOG_LEVEL": "ERROR", "PAIRWISE_METRICS": "loopback"}
        subprocess.run([sys.executable, "-m", "bench._metrics", "--inside", "-pairs", str(given.pairs), "-rounds",
                        str(given.rounds)], cwd=ROOT, env={**os.environ, **settings}, check=True)


def measured(pairs: int, rounds: int) -> dict:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from bench.charts import fill
    from provisioning.metrics import views
    from provisioning.models import RuntimeStatus

    call_command("migrate", verbosity=0)
    fill(pairs * 2)
    # As of servers that have been at work: every metric is there.
    RuntimeStatus.objects.update(latencies=[900, 80, 9, 5, 3, 1, 1, 1, 0, 0, 0], acknowledged=1000, delivered=900,
                                 disk_free=4 * 10**10, disk_total=10**11)
    took, waited, queries, answer = [], [], 0, None
    client = Client(headers={"host": "localhost"})
    for _ in range(rounds):
        views._kept.clear()
        begun, at = time.process_time(), time.perf_counter()
        with CaptureQueriesContext(connection) as caught:
            answer = client.get("/metrics")
        took.append((time.process_time() - begun) * 1000)
        waited.append((time.perf_counter() - at) * 1000)
        queries = len(caught)
    if answer is None or answer.status_code != 200:
        raise SystemExit("/metrics does not answer.")
    return {"bench": "metrics", "pairs": pairs, "lines": answer.content.count(b"\n"), "bytes": len(answer.content),
            "queries": queries, "queries_most": QUERIES_MOST, "cpu_ms": round(statistics.median(took)),
            "took_ms": round(statistics.median(waited)), "limit_ms": LIMIT_MS, "load": round(os.getloadavg()[0], 1)}


if __name__ == "__main__":
    main()
