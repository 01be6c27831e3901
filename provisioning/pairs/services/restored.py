"""After an older control database was put back: a person looks at what each member has, and says which one goes on."""

from protocol.pair_messages import PairAnswer
from provisioning.core import control_client, permissions
from provisioning.core.control_client import ControlUnavailable
from provisioning.core.held import refuse_during_drill
from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.errors import Refusal, Refused, Unanswered
from provisioning.pairs.rules.restored import Choice, Found, found_of
from provisioning.pairs.selectors.restored import members_of

from .requests import ask, recorded


def look(*, actor: Actor, application_id: int) -> Found:
    """What both members of the pair of this application (or single server) have, asked just now; takes some seconds
    when one does not answer. Raises Refused, Unanswered, NotFound."""
    actor.require(permissions.VIEW)
    primary, _ = members_of(application_id)
    return found_of(ask(actor, primary, "record", "", did="The look").facts)


def go_on(*, actor: Actor, application_id: int, server: str, accept_data_loss: str = "",
          reason: str = "") -> PairAnswer:
    """``server`` goes on, and the record is raised above everything that was seen. ``facts``: active, epoch, version;
    already (True) when nothing was in dispute.

    When something is lost by that, or nobody can tell, ``accept_data_loss`` must be exactly the name of the other
    member. Raises as ``look``, and NotAllowed.
    """
    actor.require(permissions.ACCEPT_LOSS)
    primary, backup = members_of(application_id)
    refuse_during_drill(*filter(None, (primary, backup)))
    reason, found = one_line(reason), look(actor=actor, application_id=application_id)
    choice = found.choice(server)
    if choice is None:
        names = " or ".join(copy.name for copy in found.copies)
        raise Refused(Refusal(f"{server or 'Nobody'} is not a member of this pair: name {names}.", "server"))
    if not found.disputed:
        return PairAnswer(ok=True, facts={"already": True}, reason=(
            f"Nothing contradicts what control's database says of {primary.name}. Nothing was changed."))
    _refuse_unless_accepted(choice, accept_data_loss)
    answer = ask(actor, primary, "restored", reason, did=f"Letting {server} go on", target=server)
    if answer.facts.get("already"):
        return answer
    return recorded(answer, actor, primary,
                    f"Let {server} go on after an older control database was put back. {choice.loss}", reason)


def _refuse_unless_accepted(choice: Choice, typed: str) -> None:
    if choice.copy.why_not:
        raise Refused(Refusal(choice.copy.why_not))
    if choice.to_type and typed != choice.to_type:
        raise Refused(Refusal(
            f"{choice.loss} To let {choice.copy.name} go on, type the name of the server whose records are given up: "
            f"{choice.to_type}. Nothing was changed.", "accept_data_loss"))


def confirm_all(*, actor: Actor) -> PairAnswer:
    """Every record that was in doubt and with which all its members agree counts from now on. ``facts``: confirmed,
    left. Raises Refused, Unanswered."""
    actor.require(permissions.ACCEPT_LOSS)
    try:
        answer = control_client.ask_pair("restored", "", by=actor.name)
    except ControlUnavailable as error:
        raise Unanswered(Refusal(str(error))) from error
    if not answer.ok:
        raise Refused(Refusal(f"{answer.reason} {answer.advice}".strip()))
    return answer
