"""Figures for tests, with what matters to one and nothing else."""

from protocol.server_messages import LATENCIES_MS
from provisioning.charts.facts import EVERY_S, FIELDS, NAN, SERVER, Figures, of_points
from provisioning.charts.rules.counting import Server

NONE = [0] * (len(LATENCIES_MS) + 1)
BEGAN = 1_800_000_000 // 86_400 * 86_400
"""The beginning of a day."""


def point(kind: str = SERVER, **known: float) -> tuple[float, ...]:
    """Numbers of one moment; what is not said is 0 or not known."""
    counted = {field.name: 0.0 for field in FIELDS[kind] if field.merged is sum}
    return tuple((dict.fromkeys((field.name for field in FIELDS[kind]), NAN) | {"state": 0.0} | counted | known)[
        field.name] for field in FIELDS[kind])


def figures(*rows: tuple[int, dict[str, float]], kind: str = SERVER, step: int = EVERY_S) -> Figures:
    """``rows``: (seconds after BEGAN, what is known)."""
    return of_points(kind, step, [(BEGAN + after, point(kind, **known)) for after, known in rows])


def server(key: int = 1, **said) -> Server:
    """One that runs and reports."""
    return Server(**{"id": key, "runs": True, "ended": False, "connected": True, "acknowledged": 0, "delivered": 0,
                     "latencies": tuple(NONE), "waiting_bytes": 0, "clients": 0, "last_seq": 0, "common_seq": 0,
                     "disk_free": 0, "disk_total": 0} | said)
