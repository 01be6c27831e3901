"""What is wrong with the proxy in front of the console, by what came of asking through it. Pure; docs/proxy.md says
what a proxy has to do."""

from collections.abc import Iterator
from dataclasses import dataclass

from console.echo import HOLD_S, LATE_S
from provisioning.core.arrival import SEND_THE_SCHEME, Arrival, name_the_proxy, place, shown

CLAIMED_ADDRESS = "192.0.2.1"
"""What the question itself claims as X-Forwarded-For: an address that nobody has."""
SEE = "docs/proxy.md has what a proxy needs."
HOST, SCHEME, ADDRESS = "pairwise.E038", "pairwise.E039", "pairwise.E040"
UNASKED, BODY, STREAM, PATIENCE = "pairwise.W023", "pairwise.W024", "pairwise.W025", "pairwise.W028"


@dataclass(frozen=True)
class Fault:
    ident: str
    what: str
    do: str


@dataclass(frozen=True)
class Asked:
    """What came of asking the console at ``url``. ``why_not``: why not all could be asked, "" when all was.
    ``arrivals``: (web process, how a question reached it). ``large``: the status with which as much as an Installation
    Package was answered, None when it was not asked. ``held_s``: how long before its end a stream's beginning came.
    ``gave_up_s``: after how long nobody waited for a late answer any more, None when it came or was not asked for."""

    url: str
    arrivals: tuple[tuple[str, Arrival], ...] = ()
    large: int | None = None
    held_s: float | None = None
    why_not: str = ""
    gave_up_s: float | None = None

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def claimed_scheme(self) -> str:
        """What the question itself claims as X-Forwarded-Proto: the wrong one."""
        return claimed_scheme(self.url)


def claimed_scheme(url: str) -> str:
    return "http" if url.startswith("https://") else "https"


def faults(asked: Asked, *, behind_one: bool) -> list[Fault]:
    """``behind_one``: the settings say that a proxy is in front."""
    found: dict[Fault, set[str]] = {}
    for process, arrival in asked.arrivals:
        for fault in _of_arrival(asked, arrival, behind_one):
            found.setdefault(fault, set()).add(process)
    every = {process for process, _ in asked.arrivals}
    return [*(_of_some(fault, processes, every) for fault, processes in found.items()), *_of_the_rest(asked)]


def _of_some(fault: Fault, processes: set[str], every: set[str]) -> Fault:
    if processes == every:
        return fault
    return Fault(fault.ident, f"{fault.what} So it is at the web process of {', '.join(sorted(processes))} alone.",
                 fault.do)


def _of_arrival(asked: Asked, arrival: Arrival, behind_one: bool) -> Iterator[Fault]:
    if place(f"{asked.scheme}://{arrival.host}") != place(asked.url):
        yield Fault(HOST, f"Asked for as {asked.url}, the console was told the name {shown(arrival.host)}: the proxy "
                          "in front does not pass on the header Host.",
                    f"Let it send the Host that the browser sent, port included. {SEE}")
    touched = (arrival.forwarded_for, arrival.proto) != (CLAIMED_ADDRESS, asked.claimed_scheme)
    if not arrival.is_trusted and (behind_one or touched):
        yield Fault(ADDRESS, f"Requests are passed on by {shown(arrival.peer)}, which PAIRWISE_TRUSTED_PROXIES does "
                             "not name: nothing that it says of them counts.", name_the_proxy(arrival.peer))
        return
    if arrival.scheme != asked.scheme:
        yield Fault(SCHEME, f"Asked for as {asked.url}, the console takes it for {arrival.scheme}://: "
                            f"{_scheme_said(asked, arrival)}", SEND_THE_SCHEME)
    if arrival.is_trusted and arrival.forwarded_for in ("", CLAIMED_ADDRESS):
        yield Fault(ADDRESS, "The proxy in front passes on the X-Forwarded-For of whoever asks: everybody chooses the "
                             "address that counts." if arrival.forwarded_for else
                    "The proxy in front does not send X-Forwarded-For: everybody has its address, and the failed "
                    "sign-ins of one lock all.",
                    f"Let it send the address of the client, in place of what that claims. {SEE}")


def _scheme_said(asked: Asked, arrival: Arrival) -> str:
    if not arrival.proto:
        return "the proxy in front does not send X-Forwarded-Proto."
    if arrival.proto == asked.claimed_scheme:
        return "the proxy in front passes on the X-Forwarded-Proto of whoever asks, or says the wrong one."
    return f"X-Forwarded-Proto says {shown(arrival.proto)}."


def _of_the_rest(asked: Asked) -> Iterator[Fault]:
    if asked.why_not:
        yield Fault(UNASKED, f"The console cannot be asked at PAIRWISE_CONSOLE_URL ({asked.url}): {asked.why_not}",
                    "People, hosts and programs ask there. Start the console and what is in front of it, then check "
                    "again.")
    if asked.large == 413:
        yield Fault(BODY, "The proxy in front refuses what is as large as an Installation Package may be (413).",
                    f"Raise its bound for bodies: the console has one of its own. {SEE}")
    if asked.held_s is not None and asked.held_s < HOLD_S / 2:
        yield Fault(STREAM, "The proxy in front keeps streams until they end: open pages would not hear what happens.",
                    f"Switch its buffering off for /stream/ and /api/v1/stream. {SEE}")
    if asked.gave_up_s is not None:
        yield Fault(PATIENCE, f"The proxy in front waited {asked.gave_up_s:.0f} s for an answer and gave up; the one "
                              f"that was asked for takes {LATE_S:.0f} s.",
                    f"Let it wait 120 s: the API answers after up to 60 s, and a large package later still. {SEE}")
