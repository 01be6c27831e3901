"""What servers and hosts say of themselves, as figures of one moment: counters become what was counted since. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.server_messages import LATENCIES_MS
from provisioning.charts.facts import CONTROL_SILENT, NAN, REPORTED, STOPPED, UNHEARD, Point
from provisioning.core import copies

LONGEST_S = 60.0
"""Of what was counted in a longer time nobody can say when it was."""
COUNTED = 2 + len(LATENCIES_MS) + 1
_NOTHING = (0.0,) * (1 + COUNTED)


@dataclass(frozen=True, slots=True)
class Server:
    """What control's record says of a server now. ``active_id``: the member of its pair that serves, ``other_id`` the
    other member, None for nobody; ``latencies`` () before it has said any."""

    id: int
    runs: bool
    ended: bool
    connected: bool
    acknowledged: int
    delivered: int
    latencies: tuple[int, ...]
    waiting_bytes: int
    clients: int
    last_seq: int
    common_seq: int
    disk_free: int
    disk_total: int
    active_id: int | None = None
    other_id: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """What control's record says of a host now; None for what its agent does not know."""

    id: int
    connected: bool
    cpu_percent: float | None
    memory_percent: float | None
    disk_free: int | None


@dataclass(frozen=True, slots=True)
class Counters:
    """As they were at ``at`` (monotonic seconds)."""

    at: float
    values: tuple[int, ...]


def counters_of(server: Server, at: float) -> Counters | None:
    """None while nobody knows them."""
    if len(server.latencies) != len(LATENCIES_MS) + 1:
        return None
    return Counters(at, (server.acknowledged, server.delivered, *server.latencies))


def counted(before: Counters | None, now: Counters | None) -> Point:
    """(seconds, how much each counter went on in them); nothing in 0 s where nobody knows. Counters of which one is
    less than before began anew meanwhile: all that they say was counted since."""
    if before is None or now is None or not 0 < now.at - before.at <= LONGEST_S:
        return _NOTHING
    anew = any(value < earlier for value, earlier in zip(now.values, before.values, strict=True))
    earlier = (0,) * COUNTED if anew else before.values
    return (now.at - before.at, *(float(value - then) for value, then in zip(now.values, earlier, strict=True)))


def state_of(server: Server, *, control_answers: bool) -> int:
    if not control_answers:
        return CONTROL_SILENT
    if server.runs and server.connected:
        return REPORTED
    return STOPPED if server.ended else UNHEARD


def of_servers(servers: Sequence[Server], before: dict[int, Counters], at: float, *,
               control_answers: bool) -> tuple[dict[int, Point], dict[int, Counters]]:
    """({server: its figures}, {server: its counters, for the next time}). ``at``: monotonic seconds."""
    states = {each.id: state_of(each, control_answers=control_answers) for each in servers}
    last = {each.id: each.last_seq for each in servers if states[each.id] == REPORTED}
    points: dict[int, Point] = {}
    after: dict[int, Counters] = {}
    for each in servers:
        state = states[each.id]
        if state != REPORTED:
            points[each.id] = (float(state), *_NOTHING, NAN, NAN, NAN, NAN, NAN)
            continue
        now = counters_of(each, at)
        if now is not None:
            after[each.id] = now
        free, total = (each.disk_free, each.disk_total) if each.disk_total else (NAN, NAN)
        points[each.id] = (float(state), *counted(before.get(each.id), now), float(each.waiting_bytes),
                           float(each.clients), _lag(each, last), free, total)
    return points, after


def _lag(server: Server, last: dict[int, int]) -> float:
    """Records that a standby is not known to have; NaN for a server that serves, and while nobody knows."""
    if server.active_id is None or server.active_id != server.other_id or server.other_id not in last:
        return NAN
    return float(copies.lag(last[server.other_id], server.common_seq))


def of_hosts(hosts: Sequence[Host], *, control_answers: bool) -> dict[int, Point]:
    """{host: its figures}."""
    return {each.id: _of_host(each, control_answers) for each in hosts}


def _of_host(host: Host, control_answers: bool) -> Point:
    if not control_answers or not host.connected:
        return (float(UNHEARD if control_answers else CONTROL_SILENT), NAN, NAN, NAN)
    return (float(REPORTED), *(NAN if value is None else float(value) for value in (
        host.cpu_percent, host.memory_percent, host.disk_free)))
