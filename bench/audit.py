"""A full audit of 5,000 pairs, the audit's pages over them and their exports, in a database of its own.

    python -m bench.audit [-pairs 5000] [-rounds 3]

The audit stands beside the limit of 5 s, a page beside 200 ms of server time; the number of queries stands beside that
of a tenth of the pairs. Each pair has two hosts, looked on just now, and three ports and 25 options a member; one in a
hundred is set up wrong.
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
AUDIT_S, PAGE_MS = 5.0, 200.0
PAGES = ("/monitoring/", "/monitoring/pairs/", "/audit/", "/audit/?verdict=broken&severity=error",
         "/audit/?text=0042&sort=-warnings", "/audit/?rule=A02&page=2", "/audit/?show=unknown&sort=name",
         "/audit/rules/", "/audit/waivers/", "/audit/{pair}/", "/audit/{pair}/compare/")
OPTIONS = {"log": ("verbose", "all", "standard", "trace", "segment", "expire", "buffering", "time-format"),
           "messages": ("retention-days", "retention-count", "retention-mb", "dedup-window", "queue"),
           "limits": tuple(f"limit-{n}" for n in range(12))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.audit", description=__doc__.splitlines()[0])
    parser.add_argument("-pairs", type=int, default=5000)
    parser.add_argument("-rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        measure(given.pairs, given.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        settings = {"PAIRWISE_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "console.settings",
                    "PAIRWISE_LOG_LEVEL": "ERROR"}
        subprocess.run([sys.executable, "-m", "bench.audit", "--inside", "-pairs", str(given.pairs), "-rounds",
                        str(given.rounds)], cwd=ROOT, env={**os.environ, **settings}, check=True)


def measure(pairs: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from console.up.setup import collect_static

    call_command("migrate", verbosity=0)
    collect_static(lambda text: None)
    fill(0, pairs // 10)
    few = audit_queries()
    fill(pairs // 10, pairs)
    first = seconds(audit)
    times = [seconds(audit) for _ in range(rounds)]
    print(json.dumps({
        "bench": "audit", "pairs": pairs, "first_s": round(first, 2), "median_s": round(statistics.median(times), 2),
        "worst_s": round(max(times), 2), "limit_s": AUDIT_S, "ratio": round(statistics.median(times) / AUDIT_S, 2),
        "queries": audit_queries(), "queries_of_a_tenth": few}), flush=True)
    for line in (*pages(rounds), *exports()):
        print(json.dumps(line), flush=True)


def audit():
    from provisioning.audit.worker.run import run_audit
    from provisioning.states import AuditTrigger

    return run_audit(trigger=AuditTrigger.SCHEDULE)


def audit_queries() -> int:
    """Queries of the reading and judging, which are to be as many for one pair as for thousands."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from provisioning.audit.loader import load

    with CaptureQueriesContext(connection) as caught:
        load()
    return len(caught)


def pages(rounds: int):
    from django.contrib.auth import get_user_model
    from django.test import Client

    from provisioning.models import PairAudit

    user = get_user_model().objects.create_superuser("bench", password="bench")
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    pair = PairAudit.objects.filter(is_latest=True, verdict="broken").values_list("primary_id", flat=True).first()
    for address in (page.format(pair=pair) for page in PAGES):
        all_report()
        answer = client.get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}.")
        times = [seconds(lambda at=address: client.get(at)) * 1000 for _ in range(3 * rounds)]
        yield {"bench": "audit_page", "page": address, "median_ms": round(statistics.median(times), 1),
               "worst_ms": round(max(times), 1), "limit_ms": PAGE_MS,
               "ratio": round(statistics.median(times) / PAGE_MS, 2)}


def all_report() -> None:
    """Servers, agents and control were heard of just now, as while they run."""
    from django.utils import timezone

    from provisioning.models import HostRuntime, RuntimeStatus
    from provisioning.record.models import ControlBeat

    now = timezone.now()
    RuntimeStatus.objects.update(heard_at=now)
    HostRuntime.objects.update(heard_at=now)
    ControlBeat.objects.update(at=now)


def exports():
    """Every format over all pairs, written away part by part; the memory that it took at most beyond what there was."""
    import resource

    from provisioning.audit.exports import FORMATS
    from provisioning.audit.exports.stored_results import Pairs, head_of, results_of

    for name, chosen in FORMATS.items():
        before, length = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
        begun = time.perf_counter()
        results = results_of()
        for part in chosen.write(head_of(results, scope="All pairs", made_by="bench"), Pairs(results)):
            length += len(part)
        yield {"bench": "audit_export", "format": name, "s": round(time.perf_counter() - begun, 2),
               "mb": round(length / 1e6, 1),
               "grown_mb": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1)}


def seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def fill(first: int, last: int) -> None:
    """Pairs ``first`` to ``last`` as the guide leaves them, running; every hundredth with another Redundancy Type."""
    from django.utils import timezone

    from provisioning.models import (
        Application,
        ApplicationTemplate,
        FoundOnHost,
        Host,
        HostRuntime,
        ListeningPort,
        Option,
        PairState,
        RuntimeStatus,
    )
    from provisioning.record.models import ControlBeat

    now = timezone.now()
    ControlBeat.objects.update_or_create(name="control", defaults={"at": now})
    template, _ = ApplicationTemplate.objects.get_or_create(name="Message_Server", defaults={
        "type": "MessageServer", "version": "8.5.100.01"})
    hosts = Host.objects.bulk_create([
        Host(name=f"host-{n}-{side}", ip_address=f"10.{side + 1}.{n // 250}.{n % 250}") for n in range(first, last)
        for side in (0, 1)], 500)
    HostRuntime.objects.bulk_create([HostRuntime(
        host=host, status="Running", heard_at=now, worker_alive=True,
        facts={"account": "pairwise", "clock_offset_s": 0.1, "disk_free_bytes": 10**11}) for host in hosts], 500)

    def servers(side: int, name: str, backups: list | None) -> list:
        rows = [Application(
            name=f"MS_{name}_{n}", template=template, type=template.type, version=template.version,
            host=hosts[2 * (n - first) + side], working_directory=f"/opt/ms_{n}", command_line="./MessageServer",
            command_line_arguments=f"-host 127.0.0.1 -port 2020 -app MS_{name}_{n}", auto_restart=True,
            backup_server=backups[n - first] if backups else None,
            redundancy_type=("hot standby" if n % 100 == 0 else "warm standby") if backups else "not specified")
            for n in range(first, last)]
        rows = Application.objects.bulk_create(rows, 500)
        ListeningPort.objects.bulk_create([ListeningPort(
            application=row, port_id=key, port=number, protocol=protocol, ha_sync=key == "sync") for row in rows
            for key, number, protocol in (("default", 7001, "stomp"), ("sync", 7002, "sync"), ("extra", 7003, ""))],
            500)
        Option.objects.bulk_create([Option(
            application=row, section=section, key=key, value="standard", secret_value=None) for row in rows
            for section, keys in OPTIONS.items() for key in keys], 1000)
        RuntimeStatus.objects.bulk_create([RuntimeStatus(
            application=row, status="Started", mode="Primary" if backups else "Backup", epoch=3, last_seq=120,
            common_seq=120, common_digest="d", link="synced", account="pairwise", version="8.5.100.01", heard_at=now,
            ports=[{"id": "default", "port": 7001}, {"id": "sync", "port": 7002}, {"id": "extra", "port": 7003}])
            for row in rows], 500)
        FoundOnHost.objects.bulk_create([FoundOnHost(application=row, host=row.host, at=now, body=found(row))
                                         for row in rows], 500)
        return rows

    backups = servers(1, "Backup", None)
    primaries = servers(0, "Primary", backups)
    PairState.objects.bulk_create([PairState(primary=row, version=5, epoch=3, active=row, standby_in_sync=True,
                                             since=now) for row in primaries], 500)


def found(row) -> dict:
    """What a look says of a server that is as Install left it."""
    from hostagent.jobs.startfacts import Target, describe
    from hostagent.jobs.startfiles import START_FILES

    target = Target(row.name, Path(row.working_directory), "127.0.0.1", 2020, "pairwise")
    whole = {"present": True, "path": row.working_directory, "owner": "pairwise", "usable": True, "problem": ""}
    return {
        "asked": {"directory": row.working_directory, "command_line": "./MessageServer", "log_on_as": ""},
        "directory": whole, "program": whole, "runs": True, "version": "8.5.100.01", "changed": [],
        "listeners": {"7001": "", "7002": "", "7003": ""}, "disk_free_bytes": 10**11,
        "process": {"pid": 4711, "account": "pairwise", "arguments": ["python3", *row.command_line_arguments.split()]},
        "names": {row.host.name: [row.host.ip_address]}, "reverse": {row.host.ip_address: row.host.name},
        "start_files": {"application": row.name, "directory": row.working_directory, "equal": True, "starts": True,
                        "configuration_server": {"host": "127.0.0.1", "port": 2020},
                        "files": [describe(target, file) for file in START_FILES]}}


if __name__ == "__main__":
    main()
