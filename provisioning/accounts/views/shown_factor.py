"""A second factor that somebody shows in a form, at a sign-in or before something dangerous."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User

from provisioning.accounts.forms.factors import FactorForm
from provisioning.accounts.services import factors, passkeys
from provisioning.accounts.services.passkeys import Question
from provisioning.core.permissions import origin_of


def show_factor(request, user: User, form: FactorForm) -> str:
    """What the user has shown in ``form``, which is valid, as "with …". Raises SignInRefused."""
    if answer := form.cleaned_data["answer"]:
        return passkeys.take_passkey(user=user, answer=answer, sealed=form.cleaned_data["sealed"],
                                     origin=origin_of(request), host=host_of(request), session=session_of(request))
    return factors.take_code(user=user, code=form.cleaned_data["code"], origin=origin_of(request))


def question_for(request, user: User) -> Question | None:
    """What the browser is asked for a passkey of the user; None for who has none."""
    return passkeys.ask_to_show(user=user, host=host_of(request), session=session_of(request))


def session_of(request) -> str:
    return request.session.session_key or ""


def host_of(request) -> str:
    """The name that passkeys are made for: of PAIRWISE_CONSOLE_URL, else that by which the console was asked."""
    return urlsplit(settings.PAIRWISE_CONSOLE_URL).hostname or urlsplit(f"//{request.get_host()}").hostname or ""
