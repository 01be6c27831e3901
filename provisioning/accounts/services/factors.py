"""Second factors: set up, used and removed by those who have them. What is secret of them is encrypted with the
console's key; a code is good once, whichever process is shown it."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt, encrypt
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules.factors import plain_code, steps_at
from provisioning.accounts.rules.sign_in import Lock
from provisioning.accounts.selectors.factors import APP, CODES, PASSKEY, has_factor, is_required, stored_of
from provisioning.accounts.services.sign_in import SignInRefused, count_failure, hold, lock_at, require_no_lock
from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.keys import keys

WRONG = "The code is wrong, or was used already. An authenticator app shows another one every 30 seconds."
FIRST_ONE = "Set up an authenticator app or a passkey first: recovery codes stand in for a lost one."

GONE = "This second factor does not exist any more."


class FactorAdapter(DefaultMFAAdapter):
    """Settings' MFA_ADAPTER."""

    def encrypt(self, text: str) -> str:
        return keys().encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return keys().decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return f"Pairwise {self._get_site_name()}"


def new_secret() -> str:
    """For an authenticator app, in base 32."""
    return generate_totp_secret()


def picture_of(user: User, secret: str) -> str:
    """What an app reads the secret from: an SVG document with a QR code."""
    adapter = FactorAdapter()
    return adapter.build_totp_svg(adapter.build_totp_url(user, secret))


@sensitive_variables("secret", "code")
def add_app(*, actor: Actor, secret: str, code: str) -> list[str]:
    """The actor has ``secret`` in an app, which shows ``code``; recovery codes, where there were none. Raises
    Refused."""
    step = _step_of(secret, code)
    if step is None:
        raise Refused(Refusal("The code is wrong. Type the one that the app shows now; the clock of the phone must be "
                              "right.", "code"))
    with history.atomic():
        user = locked_user(actor.user_id or 0)
        if stored_of(user).filter(type=APP).exists():
            raise Refused("You have an authenticator app already. Remove it before you set up another one.")
        Authenticator.objects.create(user=user, type=APP, data={"secret": encrypt(secret), "step": step})
        return added(actor, user, "an authenticator app")


def added(actor: Actor, user: User, what: str) -> list[str]:
    """Within the transaction that has added ``what``: recovery codes, where there were none."""
    history.record_verb(actor=actor, row=user, reason=f"Set up {what} as second factor.")
    changes.tell("users")
    return [] if stored_of(user).filter(type=CODES).exists() else _codes_of(user)


@history.atomic()
def new_codes(*, actor: Actor) -> list[str]:
    """Recovery codes of the actor in place of the former ones; shown once. Raises Refused."""
    user = locked_user(actor.user_id or 0)
    if not has_factor(user):
        raise Refused(FIRST_ONE)
    stored_of(user).filter(type=CODES).delete()
    history.record_verb(actor=actor, row=user, reason="Made new recovery codes; the former ones are no longer good.")
    return _codes_of(user)


@history.atomic()
def remove_factor(*, actor: Actor, factor_id: int) -> str:
    """Remove one of the actor's own, with the recovery codes if it was the last; what it was. Raises Refused."""
    user = locked_user(actor.user_id or 0)
    row = stored_of(user).exclude(type=CODES).filter(pk=factor_id).first()
    if row is None:
        raise Refused(GONE)
    is_last = stored_of(user).exclude(type=CODES).count() == 1
    if is_last and is_required(user):
        raise Refused("A second factor is required of you. Set up another one before you remove this one.")
    what = f'the passkey "{row.data["name"]}"' if row.type == PASSKEY else "the authenticator app"
    row.delete()
    if is_last:
        stored_of(user).delete()
    history.record_verb(actor=actor, row=user, reason=f"Removed {what} as second factor.")
    changes.tell("users")
    return what


@sensitive_variables("code")
def take_code(*, user: User, code: str, origin: str) -> str:
    """The user has shown ``code``, which is used up by it; what it was of, as "with …". Raises SignInRefused."""
    require_no_lock(user.get_username(), origin)
    used, lock, why = _looked_at(user, code, origin)
    if not used:
        raise SignInRefused(why, lock)
    return used


@history.atomic()
def _looked_at(user: User, code: str, origin: str) -> tuple[str, Lock | None, str]:
    """What the code was of, else the lock and why not. Of many that come at once one is looked at after the other, and
    none once those before have led to a lock."""
    name = user.get_username()
    hold(name, origin)
    if (lock := lock_at(name, origin)) is not None:
        return "", lock, lock.words
    if used := _use_up(user, code):
        return used, None, ""
    return "", count_failure(name, origin, "wrong code"), WRONG


def _use_up(user: User, code: str) -> str:
    now = timezone.now()
    for row in stored_of(user).select_for_update().exclude(type=PASSKEY).order_by("-type"):
        if row.type == APP:
            step = _step_of(decrypt(row.data["secret"]), code)
            if step is not None and step > row.data.get("step", 0):
                row.data["step"], row.last_used_at = step, now
                row.save(update_fields=["data", "last_used_at"])
                return "with an authenticator app"
        elif (codes := RecoveryCodes(row)).validate_code(plain_code(code)):
            codes.instance.record_usage()
            return f"with a recovery code ({len(codes.get_unused_codes())} left)"
    return ""


def _step_of(secret: str, code: str) -> int | None:
    """The counter of which ``code`` is at present, None for none."""
    typed = plain_code(code)
    return next((step for step in steps_at(timezone.now())
                 if constant_time_compare(format_hotp_value(hotp_value(secret, step)), typed)), None)


def codes_left(user: User) -> int:
    row = stored_of(user).filter(type=CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def _codes_of(user: User) -> list[str]:
    return RecoveryCodes.activate(user).generate_codes()


def locked_user(user_id: int) -> User:
    """Who changes the factors of the same user at the same time waits. Raises NotFound."""
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("This user does not exist any more.")
    return user
