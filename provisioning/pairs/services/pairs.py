"""What people do to a running pair. Control carries it out or refuses it; both members may be named."""

from dataclasses import replace

from protocol.pair_messages import PairAnswer
from provisioning.core import control_client, permissions
from provisioning.core.control_client import ControlUnavailable
from provisioning.core.database import database_trouble
from provisioning.core.held import refuse_during_drill
from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.errors import Refusal, Refused
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.failover import would_failover_work
from provisioning.pairs.rules.failover_facts import FailoverVerdict
from provisioning.pairs.selectors.failover import asked
from provisioning.pairs.selectors.page import pair_facts
from provisioning.pairs.selectors.pairs import get_pair, paired

from .requests import ask, recorded


def switch_over(*, actor: Actor, application_id: int, reason: str = "", to: str = "", drill: int = 0) -> PairAnswer:
    """Make the standby the active server, on purpose; comes back when it serves. ``facts``: active, epoch, took_ms.

    ``to`` names the server that is to serve afterwards, so that asking twice does not switch back; "" is whichever
    stands by now. ``drill`` is the failover drill that asks, 0 for people. Raises Refused (with control's reason),
    Unanswered, NotFound.
    """
    actor.require(permissions.OPERATE)
    pair, reason = get_pair(application_id), one_line(reason)
    refuse_during_drill(*pair.members, but=drill)
    before, standby = pair.active, pair.standby
    answer = ask(actor, pair.primary, "switchover", reason, did="Switch Over",
                 target=to or (standby.name if standby else ""))
    was = f"from {before.name} " if before else ""
    return recorded(answer, actor, pair.primary, f"Switched over {was}to {answer.facts.get('active', 'the standby')} "
                                                 f"(epoch {answer.facts.get('epoch', '?')}).", reason)


def pause_failover(*, actor: Actor, application_id: int, reason: str) -> PairAnswer:
    """Nothing fails over by itself until somebody resumes it; every page says so with ``reason``. Raises as
    ``switch_over``, and Refused without a reason."""
    actor.require(permissions.OPERATE)
    pair, reason = get_pair(application_id), one_line(reason)
    refuse_during_drill(*pair.members)
    if not reason:
        raise Refused(Refusal("Say why automatic failover is paused: everybody will see it until it is resumed.",
                              "reason"))
    answer = ask(actor, pair.primary, "pause", reason, did="Pausing automatic failover")
    return recorded(answer, actor, pair.primary, "Paused automatic failover.", reason)


def resume_failover(*, actor: Actor, application_id: int, reason: str = "") -> PairAnswer:
    """Automatic failover works again. ``facts``: already (True) when it was on; then nothing is asked or recorded.
    Raises as ``switch_over``."""
    actor.require(permissions.OPERATE)
    pair, reason = get_pair(application_id), one_line(reason)
    refuse_during_drill(*pair.members)
    if pair.state is None or pair.state.automatic_failover:
        return PairAnswer(ok=True, facts={"already": True}, reason=(
            f"Automatic failover of {pair.primary.name} and {pair.backup.name} is on already. Nothing was changed."))
    answer = ask(actor, pair.primary, "resume", reason, did="Resuming automatic failover")
    return recorded(answer, actor, pair.primary, "Resumed automatic failover.", reason)


def promote(*, actor: Actor, application_id: int, accept_data_loss: str, reason: str = "",
            server: str = "") -> PairAnswer:
    """Make the standby the active server although it lacks messages that were acknowledged.

    ``accept_data_loss`` must be exactly the name of the active server, whose messages are given up. ``server`` is who
    is to serve: the standby, or the active server itself when it came back with another store. Raises as
    ``switch_over``.
    """
    actor.require(permissions.ACCEPT_LOSS)
    pair, reason = get_pair(application_id), one_line(reason)
    refuse_during_drill(*pair.members)
    lost, standby = pair.active, pair.standby
    if lost is None or standby is None:
        raise Refused(Refusal(f"Control has not recorded yet which server of {pair.primary.name} and "
                              f"{pair.backup.name} was active, so there is nothing to promote. Start them.", "",
                              (pair.primary.link,)))
    server = server or standby.name
    if server not in (lost.name, standby.name):
        raise Refused(Refusal(f"{server} is not a member of this pair: name {lost.name} or {standby.name}.", "server",
                              (lost.link, standby.link)))
    if accept_data_loss != lost.name:
        raise Refused(Refusal(
            f"To promote {server}, type the name of the server whose newest messages are given up: {lost.name}. "
            "Nothing was changed.", "accept_data_loss", (lost.link,)))
    answer = ask(actor, pair.primary, "promote", reason, did=f"Promoting {server}", target=server)
    what = (f"although it was not in sync; what only {lost.name} had was given up" if server == standby.name else
            "with the store it has now; the messages of its former one were given up")
    return recorded(answer, actor, pair.primary, f"Promoted {server} {what} (epoch {answer.facts.get('epoch', '?')}).",
                    reason)


def probe(*, actor: Actor, application_id: int) -> PairAnswer:
    """Let both members prove their role now: the primary that it accepts a write, the backup that it does not.

    ``facts``: members [{name, connected, role, epoch, accepts, reason, took_ms}]. Raises as ``switch_over``.
    """
    actor.require(permissions.VIEW)
    return ask(actor, get_pair(application_id).primary, "probe", "", did="The probe")


def check_failover(*, actor: Actor, application_id: int) -> FailoverVerdict:
    """Would failover work now? Raises as ``probed_facts``."""
    return would_failover_work(probed_facts(actor=actor, application_id=application_id))


def probed_facts(*, actor: Actor, application_id: int,
                 timeout_s: float = control_client.PAIR_TIMEOUT_S) -> PairFacts:
    """Facts of the pair, with both members probed just now; never raises because control is away, that is an
    answer. Raises NotFound, and Refused when it is no member of a pair."""
    actor.require(permissions.VIEW)
    pair = get_pair(application_id)
    try:
        answer, away = control_client.ask_pair("probe", pair.primary.name, by=actor.name, timeout_s=timeout_s), None
    except ControlUnavailable as error:
        answer, away = None, str(error)
    # What the probe found out is in the database by now.
    return replace(paired(pair_facts(pair.id)), asked=asked(answer, away, database_trouble()))
