"""Figures of 10,000 servers, recorded every 10 s, and charts of 30 days, in databases of their own.

    python -m bench.charts [-servers 10000] [-rounds 6]

What recording costs stands beside 10 s, the time between two moments; a fold is one hour of one block of servers, and
all blocks are folded once an hour. The page of a pair, both members in each chart, stands beside 200 ms.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVERY_S, HOUR_S, DAY_S, PAGE_MS = 10, 3600, 86_400, 200.0
RANGES = ("1h", "24h", "7d", "30d")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.charts", description=__doc__.splitlines()[0])
    parser.add_argument("-servers", type=int, default=10_000)
    parser.add_argument("-rounds", type=int, default=6)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        measure(given.servers, given.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        settings = {"PAIRWISE_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "console.settings",
                    "PAIRWISE_LOG_LEVEL": "ERROR"}
        subprocess.run([sys.executable, "-m", "bench.charts", "--inside", "-servers", str(given.servers), "-rounds",
                        str(given.rounds)], cwd=ROOT, env={**os.environ, **settings}, check=True)


def measure(servers: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from console.up.setup import collect_static

    call_command("migrate", verbosity=0)
    collect_static(lambda text: None)
    fill(servers)
    for line in (recording(servers, rounds), folding(servers), *pages(rounds)):
        print(json.dumps(line), flush=True)


def fill(servers: int) -> None:
    """Pairs that serve, ten servers to a host."""
    from datetime import UTC, datetime, timedelta

    from provisioning.models import Application, ApplicationTemplate, Host, HostRuntime, PairState, RuntimeStatus

    template = ApplicationTemplate.objects.create(name="MS", type="MessageServer", version="8.5.100.01")
    hosts = Host.objects.bulk_create(Host(name=f"host-{n}", ip_address=f"10.{n >> 8}.{n & 255}.1")
                                     for n in range(max(2, servers // 10)))
    HostRuntime.objects.bulk_create(HostRuntime(host=host, status="Running", facts={
        "cpu_percent": 12.5, "memory_percent": 40.5, "disk_free_bytes": 2**38}) for host in hosts)
    rows = Application.objects.bulk_create([Application(
        template=template, type=template.type, version=template.version, name=f"MS_{n:05d}", working_directory="/srv",
        command_line="./MessageServer", host=hosts[n % len(hosts)]) for n in range(servers)], batch_size=500)
    for primary, backup in zip(rows[::2], rows[1::2], strict=False):
        primary.backup_server = backup
    Application.objects.bulk_update(rows[::2], ["backup_server"], batch_size=500)
    Application.objects.update(created_at=datetime.now(UTC) - timedelta(days=60))
    RuntimeStatus.objects.bulk_create([RuntimeStatus(
        application=row, status="Started", connected=True, latencies=[0] * 11, disk_total=2**40) for row in rows],
        batch_size=500)
    PairState.objects.bulk_create([PairState(primary=row, active=row) for row in rows[::2]], batch_size=500)


def busy(chance: random.Random) -> None:
    """What all servers may have done in 10 s, told by control."""
    from django.db.models import F, JSONField, Value
    from django.db.models.functions import Mod
    from django.utils import timezone

    from provisioning.models import RuntimeStatus
    from provisioning.record.models import ControlBeat

    ControlBeat.objects.update_or_create(name="control", defaults={"at": timezone.now()})
    for part in range(10):
        done = [chance.randrange(2000) for _ in range(6)] + [0] * 5
        RuntimeStatus.objects.annotate(part=Mod("application_id", Value(10))).filter(part=part).update(
            acknowledged=F("acknowledged") + sum(done), delivered=F("delivered") + 2 * sum(done),
            last_seq=F("last_seq") + sum(done), clients=chance.randrange(50), disk_free=chance.randrange(2**40),
            latencies=Value(done, JSONField()))


def recording(servers: int, rounds: int) -> dict:
    """Seconds of a core and of the clock that one moment takes, of the median and the worst round."""
    from provisioning.charts.worker.recorder import Recorder
    from provisioning.core import signals
    from provisioning.logbook.models import Sample

    signals.announce = lambda *topics: None
    chance, used, took = random.Random(20), [], []
    clock = Clock()
    recorder = Recorder(clock.time, clock.passed)
    for _ in range(rounds + 1):
        busy(chance)
        began, core = time.monotonic(), time.process_time()
        if not recorder.look():
            raise SystemExit("It was not recorded.")
        used.append(time.process_time() - core)
        took.append(time.monotonic() - began)
        clock.at += EVERY_S
    sizes = [len(bytes(each)) for each in Sample.objects.filter(kind="server").values_list("figures", flat=True)]
    return {"bench": "charts_record", "servers": servers, "core_s": round(statistics.median(used), 3),
            "median_s": round(statistics.median(took), 3), "worst_s": round(max(took), 3), "limit_s": EVERY_S,
            "share_of_a_core": round(statistics.median(used) / EVERY_S, 4),
            "bytes_a_server": round(sum(sizes) / (rounds + 1) / servers, 1)}


class Clock:
    def __init__(self) -> None:
        self.at = time.time() // DAY_S * DAY_S - 2 * DAY_S

    def time(self) -> float:
        return self.at

    def passed(self) -> float:
        return self.at


def numbers(chance: random.Random) -> tuple[float, ...]:
    """Of a busy server in 10 s."""
    done = [float(chance.randrange(2000)) for _ in range(6)] + [0.0] * 5
    return (0.0, 10.0, sum(done), 2 * sum(done), *done, float(chance.randrange(9000)), float(chance.randrange(50)),
            float(chance.randrange(9)), float(chance.randrange(2**40)), float(2**40))


def folding(servers: int) -> dict:
    """An hour of one block, when all of its servers are busy, and what it takes on the disk."""
    from provisioning.charts.facts import SERVER
    from provisioning.charts.rules.blocks import SIZE, in_blocks
    from provisioning.charts.worker import stored
    from provisioning.logbook.models import Sample, Stretch

    chance, hour, block = random.Random(21), int(time.time()) // HOUR_S * HOUR_S - 5 * HOUR_S, 10**6
    Sample.objects.all().delete()
    rows = [Sample(kind=SERVER, block=block, at=at, figures=in_blocks(
        {block * SIZE + n: numbers(chance) for n in range(SIZE)})[block]) for at in range(hour, hour + HOUR_S, EVERY_S)]
    Sample.objects.bulk_create(rows, batch_size=100)
    core = time.process_time()
    if not stored.fold(int(time.time())):
        raise SystemExit("Nothing was folded.")
    used, blocks = time.process_time() - core, -(-servers // SIZE)
    size = {step: statistics.mean(len(bytes(each)) for each in Stretch.objects.filter(step=step).values_list(
        "figures", flat=True)) for step in (10, 300)}
    a_server = 24 * size[10] + 30 * 24 * size[300]
    return {"bench": "charts_fold", "servers": servers, "core_s_a_block": round(used, 3), "blocks": blocks,
            "share_of_a_core": round(used * blocks / HOUR_S, 4), "bytes_of_an_hour": round(size[10]),
            "bytes_of_an_hour_in_long_steps": round(size[300]), "kept_of_a_server_kb": round(a_server / 1024),
            "kept_of_all_mb": round(a_server * servers / 2**20)}


def pages(rounds: int):
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    from provisioning.models import Application

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("bench", password="bench"))
    primary = Application.objects.exclude(backup_server=None).order_by("id").first()
    _history([primary.pk, primary.backup_server_id])
    for name in RANGES:
        address = reverse("pair-charts", args=[primary.pk], query={"range": name})
        answer = client.get(address)
        if answer.status_code != 200 or b"<path" not in answer.content:
            raise SystemExit(f"{address} answered {answer.status_code}.")
        core, times = time.process_time(), [_seconds(lambda at=address: client.get(at)) * 1000
                                            for _ in range(3 * rounds)]
        core = (time.process_time() - core) * 1000 / len(times)
        yield {"bench": "charts_page", "range": name, "median_ms": round(statistics.median(times), 1),
               "core_ms": round(core, 1),
               "worst_ms": round(max(times), 1), "limit_ms": PAGE_MS, "kb": round(len(answer.content) / 1024),
               "ratio": round(statistics.median(times) / PAGE_MS, 2)}


def _history(keys: list[int]) -> None:
    """24 h at 10 s and 30 days at 5 min of a busy pair, of this hour as it is before it is folded."""
    from provisioning.charts.facts import SERVER, of_points
    from provisioning.charts.rules.blocks import in_blocks
    from provisioning.charts.worker import stored
    from provisioning.logbook.models import Sample, Stretch

    chance, now = random.Random(22), int(time.time())
    hour, day = now // HOUR_S * HOUR_S, now // DAY_S * DAY_S
    rows = []
    for key in keys:
        for step, length, begin, end in ((10, HOUR_S, hour - DAY_S, hour), (300, DAY_S, day - 30 * DAY_S, hour)):
            for begins in range(begin, end, length):
                times = range(begins, min(begins + length, end), step)
                rows.append(stored.row_of(SERVER, key, begins, of_points(
                    SERVER, step, ((at, numbers(chance)) for at in times))))
    Stretch.objects.bulk_create(rows, batch_size=100)
    around = range(min(keys) // 64 * 64, min(keys) // 64 * 64 + 64)
    for at in range(hour, now, EVERY_S):
        for block, figures in in_blocks({key: numbers(chance) for key in (*around, *keys)}).items():
            Sample.objects.create(kind=SERVER, block=block, at=at, figures=figures)


def _seconds(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
