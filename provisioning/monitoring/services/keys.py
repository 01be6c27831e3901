"""The console's key is rotated: everything that was encrypted with a former one is encrypted with the present one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import Model

from provisioning.accounts.selectors import factor_secrets
from provisioning.accounts.services.factor_secrets import encrypt_again
from provisioning.core import permissions
from provisioning.core.control_client import ControlUnavailable, OtherKey, ping
from provisioning.core.permissions import Actor
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.history.verify import ends_with_a_former_key
from provisioning.keys import keys, mark_in
from provisioning.models import Console
from provisioning.models.encryption import as_stored, encrypted_fields
from provisioning.monitoring.selectors.encryption import advice, marks, others, why_wrong
from provisioning.turns import write_in_turns

MOST = 500
"""Values of one turn at most: each is written by a clause of its own."""


@dataclass
class Rotation:
    """How far it came: ``done`` of so many values that a former key had encrypted."""

    values: int
    done: int = 0

    def __str__(self):
        return f"{self.done} of {self.values} values are encrypted with the present key"


def rotate_key(*, actor: Actor, say: Callable[[str], None] = lambda line: None) -> Rotation:
    """Encrypt anew what a former key encrypted; ``say`` is called as it goes on. What is done stays when it breaks off,
    and the next call does the rest. Raises NotAllowed, Refused, WrongKey."""
    # Who may let everybody in could read all that the key protects.
    actor.require(permissions.USERS)
    if why := why_wrong():
        raise Refused(f"Nothing was changed. {why} {advice()}")
    _require_that_control_can_read_on()
    present, *former = keys().marks
    left = [(model, name, list(others(model, name, present))) for model, name in encrypted_fields()]
    factors = factor_secrets.others(present)
    rotation = Rotation(sum(len(found) for _, _, found in left) + len(factors))
    if rotation.values or ends_with_a_former_key():
        # The chain of history goes on with the present key from this entry on, and whoever reads it knows why.
        history.record_verb(actor=actor, row=Console.this(), reason=(
            f"Rotates the secret key from mark {' and '.join(former)} to {present}: {rotation.values} values."))
    try:
        for model, name, found in left:
            write_in_turns(found, partial(_encrypt_again, model, name, rotation=rotation, say=say), most=MOST)
        write_in_turns(factors, partial(_encrypt_factors_again, rotation=rotation, say=say), most=MOST)
    except BaseException as error:
        error.add_note(f"{rotation}. Run rotate_key again for the rest; keep the former key until then.")
        raise
    return rotation


def _require_that_control_can_read_on() -> None:
    """A control that runs with the former key alone could read no secret any more. Raises Refused."""
    try:
        ping()
    except OtherKey:
        raise Refused("Nothing was changed. Control runs with another key than this command has, and could read no "
                      "secret any more: first restart every process of the console with the new key in "
                      "PAIRWISE_SECRET_KEY and the former one in PAIRWISE_SECRET_KEY_FALLBACKS.") from None
    except ControlUnavailable:
        # It reads the database when it starts.
        return


def needs_former_key() -> bool:
    """Whether anything in the database is of use with a former key only."""
    return set(marks()) - {keys().marks[0]} != set() or ends_with_a_former_key()


def _encrypt_again(model: type[Model], name: str, some: list[int], *, rotation: Rotation,
                   say: Callable[[str], None]) -> None:
    stored = model._default_manager.filter(pk__in=some).select_for_update().annotate(stored=as_stored(name))
    changed = [model(pk=pk, **{name: keys().decrypt(text)}) for pk, text in stored.values_list("pk", "stored")
               if text and mark_in(text) != keys().marks[0]]
    model._default_manager.bulk_update(changed, [name])
    transaction.on_commit(lambda: _tell(rotation, len(some), say))


def _encrypt_factors_again(some: list[int], *, rotation: Rotation, say: Callable[[str], None]) -> None:
    encrypt_again(some)
    transaction.on_commit(lambda: _tell(rotation, len(some), say))


def _tell(rotation: Rotation, more: int, say: Callable[[str], None]) -> None:
    rotation.done += more
    say(f"{rotation}.")
