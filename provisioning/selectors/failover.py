"""Everything that "would failover work now?" depends on, read at one moment."""

from datetime import datetime

from protocol.messages import PairAnswer
from provisioning.models import Application
from provisioning.rules.accounts import wrong_account
from provisioning.rules.failover_facts import FailoverFacts, MemberFacts
from provisioning.rules.known import age_s
from provisioning.rules.pair_facts import decided
from provisioning.rules.proofs import Proof, proofs_of
from provisioning.selectors.certificates import certificates_of
from provisioning.selectors.control import control_seen, record_is_here, word_of
from provisioning.selectors.pairs import Pair
from provisioning.states import HostStatus


def failover_facts(pair: Pair, *, probe: PairAnswer | None = None, control: str | None = None,
                   database: str = "") -> FailoverFacts:
    """Facts of ``pair`` as it is in the database now.

    ``probe`` is control's answer to a probe of this moment; ``control`` the sentence that says why there is none (None:
    control was not asked, "": it answered); ``database`` why the Configuration Database takes no write ("": it does).
    """
    now, state = control_seen().now, pair.state
    proofs = proofs_of(probe.facts) if probe is not None and probe.ok else {}
    primary, backup = (_member(row, proofs.get(row.name), now) for row in pair.members)
    return FailoverFacts(
        primary=primary, backup=backup, redundancy_type=pair.primary.redundancy_type,
        active=pair.active.name if pair.active else "", in_sync=state.standby_in_sync if state else False,
        record_reason=decided(state.reason, state.since, now, disputed=state.disputed) if state else "",
        disputed=state.disputed if state else False,
        automatic_failover=state.automatic_failover if state else True,
        paused_by=state.paused_by if state else "", paused_reason=state.paused_reason if state else "",
        control="" if probe is not None else control, database=database, record_trouble=record_trouble(probe, database),
        probe_reason="" if probe is None or probe.ok else f"{probe.reason} {probe.advice}".strip())


def record_trouble(probe: PairAnswer | None, database: str) -> str:
    """Why control cannot write its record: as it says itself (``facts["database"]`` of its answers), or because the
    record is where the console cannot write either."""
    said = probe.facts.get("database") if probe is not None else ""
    return said if isinstance(said, str) and said else database if record_is_here() else ""


def wrong_account_of(row: Application) -> str:
    """A sentence when the server runs as another account than it should, "" when not or while it is not known."""
    runtime = getattr(row, "runtime", None)
    agent = getattr(row.host, "runtime", None) if row.host else None
    return wrong_account(name=row.name, wanted=row.os_account, running=runtime.account if runtime else "",
                         agents=str(agent.facts.get("account", "")) if agent else "")


def _member(row: Application, proof: Proof | None, now: datetime) -> MemberFacts:
    runtime = getattr(row, "runtime", None)
    agent = getattr(row.host, "runtime", None) if row.host else None
    fields = {} if runtime is None else {
        "status_reason": word_of(row).reason, "mode": row.mode, "link": runtime.link,
        "link_reason": runtime.link_reason, "common_seq": runtime.common_seq, "common_digest": runtime.common_digest,
        "first_seq": runtime.first_seq,
        "held": {str(port.get("id")): port.get("port") for port in runtime.ports if isinstance(port, dict)},
        "heard_s": age_s(runtime.heard_at, now),
    }
    return MemberFacts(
        name=row.name, host=row.host.name if row.host else "", directory=row.working_directory,
        enabled=row.enabled, installed=row.is_installed,
        auto_restart=row.auto_restart, version=runtime.version if runtime and runtime.version else row.version,
        status=row.status, ports={port.port_id: port.port for port in row.ports.all()}, proof=proof,
        certificates=certificates_of(row), wrong_account=wrong_account_of(row),
        agent_connected=agent is not None and agent.status == HostStatus.RUNNING, **fields)
