"""One control with thousands of pairs: how soon all are back, what it costs to hold them, and what happens when many
servers die at once or more is asked than it can do.

    python -m bench.fleet [-pairs 5000] [-steady 30]

Servers and agents are simulated by the real protocol in one process (ten servers to a host), control is a process of
its own on a database of its own. Each figure stands beside its limit.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._fleet import Fleet, median, percentile
from protocol import collector
from protocol.identity import stat_fields
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
SERVERS_A_HOST = 10
BACK_S, GRANTED_S, STEADY_CORE, RSS_MB, REFUSED = 60.0, 3.0, 0.5, 1024, 1
STORM_S, CALM_S = 20.0, 60.0
PATIENCE_S = 300.0
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.fleet", description=__doc__.splitlines()[0])
    parser.add_argument("-pairs", type=int, default=5000)
    parser.add_argument("-steady", type=float, default=30.0, help="seconds of quiet that are measured")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        measure(given.pairs, given.steady)
        return
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        settings = {"PAIRWISE_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "console.settings",
                    "PAIRWISE_LOG_LEVEL": "ERROR", "PAIRWISE_CONTROL_PORT": str(free_port()),
                    "PAIRWISE_REDIS_URL": f"unix://{directory}/no-redis.sock"}
        subprocess.run([sys.executable, "-m", "bench.fleet", "--inside", "-pairs", str(given.pairs), "-steady",
                        str(given.steady)], cwd=ROOT, env={**os.environ, **settings}, check=True)


def measure(pairs: int, steady_s: float) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    for alias in ("default", "control"):
        call_command("migrate", database=alias, verbosity=0)
    objects = fill(pairs)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_measure(Fleet(settings.PAIRWISE_CONTROL_PORT, objects), steady_s))


def _loop_factory():
    import uvloop

    return uvloop.new_event_loop


async def _measure(fleet: Fleet, steady_s: float) -> None:
    _raise_file_limit()
    pairs = len(fleet.servers) // 2
    # What is measured is control, not how long these thousands of objects are walked.
    collector.look_rarely()
    beats = asyncio.create_task(fleet.run())
    control = Control()
    try:
        for peer in fleet.peers:
            peer.dial()
        say(fleet, "from nothing", pairs, **await back(fleet, control))
        collector.spare()
        say(fleet, "steady", pairs, **await steady(control, steady_s))
        hosts = [name for name, agent in fleet.agents.items()
                 if any(server.role == "primary" for server in agent.servers)][:max(1, pairs // 50)]
        times = await fleet.power_cut(hosts, PATIENCE_S)
        say(fleet, "power cut", pairs, actives=len(times), agents=len(hosts), p50_s=median(times),
            p99_s=percentile(times, 0.99), worst_s=round(times[-1], 2), limit_s=GRANTED_S,
            ratio=round(percentile(times, 0.99) / GRANTED_S, 2))
        fleet.power_back(hosts)
        say(fleet, "power back", pairs, **await back(fleet, control))
        control.kill()
        await fleet.until_all_noticed(PATIENCE_S)
        control = Control()
        say(fleet, "control killed and started again", pairs, **await back(fleet, control))
        before = control.cpu_s()
        await fleet.storm(STORM_S, cuts_a_second=len(fleet.peers))
        busy = (control.cpu_s() - before) / STORM_S
        calm_s = await fleet.until_whole(PATIENCE_S)
        say(fleet, "storm", pairs, seconds=STORM_S, control_cores=round(busy, 2), calm_after_s=round(calm_s, 1),
            limit_s=CALM_S, ratio=round(calm_s / CALM_S, 2), rss_mb=control.rss_mb())
    finally:
        fleet.end()
        beats.cancel()
        control.kill()


async def back(fleet: Fleet, control: "Control") -> dict:
    fleet.refused.clear()
    took_s, cpu_s = time.monotonic(), control.cpu_s()
    await fleet.until_whole(PATIENCE_S)
    took_s = time.monotonic() - took_s
    return {"in_sync": fleet.in_sync, "connected": fleet.connected, "s": round(took_s, 1), "limit_s": BACK_S,
            "ratio": round(took_s / BACK_S, 2), "control_cpu_s": round(control.cpu_s() - cpu_s, 1),
            "refused_most": max(fleet.refused.values(), default=0), "refused_limit": REFUSED}


async def steady(control: "Control", for_s: float) -> dict:
    await asyncio.sleep(for_s / 3)
    before = control.cpu_s()
    await asyncio.sleep(for_s)
    cores = (control.cpu_s() - before) / for_s
    return {"cores": round(cores, 3), "limit_cores": STEADY_CORE, "ratio": round(cores / STEADY_CORE, 2),
            "rss_mb": control.rss_mb(), "limit_mb": RSS_MB}


def say(fleet: Fleet, what: str, pairs: int, **figures) -> None:
    print(json.dumps({"bench": "fleet", "what": what, "pairs": pairs, **figures, **fleet.counts,
                      **({"reasons": dict(fleet.reasons)} if fleet.reasons else {})}), flush=True)
    fleet.counts.clear()
    fleet.reasons.clear()


class Control:
    """The process."""

    def __init__(self):
        self._process = subprocess.Popen([sys.executable, "manage.py", "runcontrol"], cwd=ROOT)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def cpu_s(self) -> float:
        words = stat_fields(self._process.pid)
        return (int(words[11]) + int(words[12])) / TICKS

    def rss_mb(self) -> int:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1024 for line in text.splitlines() if line.startswith("VmRSS"))


def fill(pairs: int) -> dict:
    """Make the objects; what the fleet needs of them. Primaries stand on the first half of the hosts."""
    from provisioning.models import Application, ApplicationTemplate, Host, ListeningPort, Option

    template = ApplicationTemplate.objects.create(name="Message_Server", type="MessageServer", version="8.5.100.01")
    half = -(-pairs // SERVERS_A_HOST)
    hosts = Host.objects.bulk_create([
        Host(name=f"host-{n}", ip_address=f"127.1.{n // 250}.{n % 250 + 1}") for n in range(2 * half)], 500)

    def servers(side: str, first: int, backups: list | None) -> list:
        rows = Application.objects.bulk_create([Application(
            name=f"MS_{side}_{n}", template=template, type=template.type, version=template.version,
            host=hosts[first + n // SERVERS_A_HOST], working_directory=f"/opt/ms_{n}",
            command_line="./MessageServer", command_line_arguments=f"-app MS_{side}_{n}", auto_restart=True,
            backup_server=backups[n] if backups else None,
            redundancy_type="warm standby" if backups else "not specified") for n in range(pairs)], 500)
        ListeningPort.objects.bulk_create([ListeningPort(
            application=row, port_id=key, port=number, protocol=protocol, ha_sync=key == "sync") for row in rows
            for key, number, protocol in (("default", 7001, "stomp"), ("sync", 7002, "sync"))], 500)
        Option.objects.bulk_create([Option(application=row, section="log", key=key, value="standard",
                                           secret_value=None) for row in rows for key in ("verbose", "all")], 1000)
        return rows

    backups = servers("Backup", half, None)
    primaries = servers("Primary", 0, backups)
    mates = list(zip(primaries, backups, strict=True))
    return {"agents": [[host.name, host.secret, host.ip_address] for host in hosts],
            "servers": [[a.name, a.secret, a.host.name, b.name] for a, b in (*mates, *((b, a) for a, b in mates))]}


def _raise_file_limit() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
