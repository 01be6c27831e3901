"""What a machine that joins has to be told, and how far it came: pure rules over facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from protocol.names import LOOPBACK, WILDCARDS
from provisioning.core.arrival import bracketed

NOWHERE = LOOPBACK | WILDCARDS


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where the console's processes listen, as the settings say. ``redis_url`` is "" for the embedded Redis;
    ``redis_password`` is "" while that one listens on a Unix socket only. ``web_tls`` and ``control_tls``: they speak
    TLS themselves, with a certificate for ``tls_names`` (empty: one that the administrator brought). ``controls`` are
    the addresses of all controls when there are several."""

    web_host: str
    web_port: int
    control_host: str
    control_port: int
    advertised_host: str = ""
    console_url: str = ""
    redis_url: str = ""
    redis_port: int = 0
    redis_password: str = ""
    redis_socket_url: str = ""
    web_tls: bool = False
    control_tls: bool = False
    tls_names: tuple[str, ...] = ()
    controls: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How other machines reach the console. ``problems`` are sentences: what will not work, and what to set.
    ``broker_url`` has the credentials of PAIRWISE_REDIS_URL, or none."""

    console_url: str
    controls: tuple[tuple[str, int], ...]
    broker_url: str
    problems: tuple[str, ...] = ()


def reach(listening: Listening, *, scheme: str, asked_host: str) -> Reach:
    """``asked_host`` is host or host:port as in the address that the console was just asked by."""
    asked = urlsplit(f"//{asked_host}").hostname or ""
    host = listening.advertised_host or (
        listening.web_host if listening.web_host not in NOWHERE else asked)
    # With HTTPS by others a proxy is in front, on a port that only who asked through it knows.
    named = listening.advertised_host and (listening.web_tls or scheme == "http")
    console_url = listening.console_url or f"{scheme}://" + (
        f"{bracketed(host)}:{listening.web_port}" if named else asked_host)
    control = host if listening.control_host in NOWHERE else listening.control_host
    broker = listening.redis_url
    if not broker:
        broker = listening.redis_socket_url if not listening.redis_password else \
            f"redis://{bracketed(host)}:{listening.redis_port}/0"
    return Reach(console_url=console_url, controls=listening.controls or ((control, listening.control_port),),
                 broker_url=broker,
                 problems=(*_problems(listening, host, console_url), *_tls_problems(listening, control, console_url)))


def _problems(listening: Listening, host: str, console_url: str) -> Iterator[str]:
    if listening.web_host in LOOPBACK and not listening.console_url:
        yield (f"Other machines do not reach this console: it listens on {listening.web_host} only. Set PAIRWISE_HOST "
               "to an address of this machine's network and restart it.")
    elif (urlsplit(console_url).hostname or "") in LOOPBACK:
        yield ("You opened the console by a name that means this machine only. Open it by the name or address that "
               "other machines use, or set PAIRWISE_ADVERTISED_HOST.")
    if listening.control_host in LOOPBACK and not listening.controls:
        yield (f"Other machines do not reach control: it listens on {listening.control_host} only. Set "
               "PAIRWISE_CONTROL_HOST to an address of this machine's network and restart the console.")
    if listening.redis_url:
        if (urlsplit(listening.redis_url).hostname or "") in NOWHERE:
            yield ("Other machines do not reach the Redis of PAIRWISE_REDIS_URL: it names this machine only. Let it "
                   "listen on the network with a password, and name it by an address that others reach.")
    elif not listening.redis_password and listening.web_host not in LOOPBACK:
        yield "Other machines do not reach Redis. Set PAIRWISE_REDIS_URL to one that listens on the network."


def _tls_problems(listening: Listening, control: str, console_url: str) -> Iterator[str]:
    where = urlsplit(console_url)
    dialled = {where.hostname or ""} if listening.web_tls else set()
    dialled |= {control} if listening.control_tls else set()
    for name in sorted(dialled - set(listening.tls_names) - {""}) if listening.tls_names else ():
        yield (f"The console's certificate is not for {name}, so that no machine would trust it there. Add {name} to "
               "PAIRWISE_TLS_NAMES and restart the console.")
    if where.scheme == "http" and where.hostname not in LOOPBACK:
        yield ("Who listens on the network while this machine joins sees its secret: the web console speaks plain "
               "HTTP, as PAIRWISE_WEB_TLS or PAIRWISE_CONSOLE_URL say.")
    if not listening.control_tls and listening.control_host not in LOOPBACK:
        yield ("Who listens on the network sees what control and the hosts say to each other, passcodes of clients "
               "included: PAIRWISE_CONTROL_TLS is off.")


@dataclass(frozen=True, kw_only=True)
class JoinFacts:
    """What is known of one attempt. ``stages`` are {name, state, text, at}; ``connected`` and ``worker``: control
    hears the agent, and its worker runs, since the token was spent; ``removed``: the agent was taken away since."""

    stages: tuple[dict[str, Any], ...] = ()
    connected: bool = False
    worker: bool = False
    reason: str = ""
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class Stage:
    """``state``: waiting, running, done or failed. ``advice`` says what to do when it failed or takes long."""

    name: str
    label: str
    state: str
    text: str = ""
    at: datetime | None = None
    advice: str = ""


STAGES = {
    "ssh": ("Logged in by SSH", "Correct what the sentence names, then press Join by SSH again."),
    "machine": ("Machine suits", "Correct what the sentence names, then paste the same line again."),
    "fetch": ("Agent fetched", "The line may be pasted again as long as the token was not used."),
    "check": ("Agent checked", "Is a proxy in between that changes what it carries? Paste the line again."),
    "unpack": ("Agent unpacked", "Check free space and rights of the directory on the machine; paste the line again."),
    "join": ("Joined with the token", "A token is good for one join. Make a new line below."),
    "start": ("Agent started", "The machine has joined. Correct what the sentence names, then make a new line and "
                               "paste that one: it starts the agent."),
    "connect": ("Agent connected to control", "Is the port of control open from that machine? The agent keeps trying."),
    "worker": ("Host worker ready", "Is the broker's port open from that machine? The agent keeps trying; its "
                                    "worker.log says why."),
}
REPORTED = tuple(STAGES)[:-2]
"""Stages that the joining machine reports; the others are seen from here."""


def join_stages(facts: JoinFacts) -> list[Stage]:
    """Every stage with its state, in order."""
    told = {each["name"]: each for each in facts.stages}
    found = []
    for name in REPORTED:
        each = told.get(name)
        if name == "ssh" and each is None:
            continue  # somebody pasted the line
        state = each["state"] if each else "waiting"
        label, advice = STAGES[name]
        found.append(Stage(name=name, label=label, state=state, text=each["text"] if each else "",
                           at=datetime.fromisoformat(each["at"]) if each else None,
                           advice=advice if state == "failed" else ""))
    started = found[-1].state == "done"
    if started and facts.removed:
        label, _ = STAGES["connect"]
        return [*found, Stage(name="connect", label=label, state="failed", text=facts.reason,
                              advice="Make a new line and paste it on the machine, or delete the host.")]
    for name, reached, before in (("connect", facts.connected, started),
                                  ("worker", facts.worker, started and facts.connected)):
        label, advice = STAGES[name]
        state = "waiting" if not before else "done" if reached else "running"
        found.append(Stage(name=name, label=label, state=state, text=facts.reason if state == "running" else "",
                           advice=advice if state == "running" else ""))
    return found


def with_stage(stages: list[dict[str, Any]], *, name: str, state: str, text: str, at: str) -> list[dict[str, Any]]:
    """``stages`` with one more word about ``name``."""
    new = {"name": name, "state": state, "text": text, "at": at}
    if any(each["name"] == name for each in stages):
        return [new if each["name"] == name else each for each in stages]
    return [*stages, new]
