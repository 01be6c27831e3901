"""The one door: whoever has shown who they are gets a session here, whichever way they came (django-allauth's
pipeline, with our rules at its end)."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.stages import LoginStage
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.crypto import constant_time_compare

from provisioning.accounts.selectors.factors import has_factor, required_from
from provisioning.accounts.selectors.users import get_person
from provisioning.accounts.services.sign_in import SignInRefused, let_in
from provisioning.core.permissions import origin_of

from .one_sign_in import BY_PROVIDER, FACTOR_FROM, MUST_CHANGE
from .refusal import refusal_page

BACKEND = "django.contrib.auth.backends.ModelBackend"
"""Who finds the users of sessions, whoever let them in."""
STAMP = "stamp"


class SecondFactorStage(LoginStage):
    """Whoever has a second factor shows it before there is a session."""

    key = "second_factor"
    urlname = "second-factor"

    def handle(self):
        asks = self.login.user is not None and has_factor(self.login.user)
        return (redirect(self.urlname) if asks else None), True

    @property
    def is_good(self) -> bool:
        """Whether the user is there still and has the password from before."""
        user = self.login.user
        return user is not None and user.is_active and constant_time_compare(
            self.login.state.get(STAMP, stamp_of(user)), stamp_of(user))


class SignInAdapter(DefaultAccountAdapter):
    """Settings' ACCOUNT_ADAPTER. Nobody signs up here, and nothing is said of a sign-in but what our pages say."""

    def get_login_stages(self) -> list[str]:
        return [f"{__name__}.{SecondFactorStage.__name__}"]

    def is_open_for_signup(self, request) -> bool:
        return False

    def respond_user_inactive(self, request, user) -> HttpResponse:
        return refusal_page(request, SignInRefused("This user is disabled. Ask an Administrator."))

    def login(self, request, user) -> None:
        """Raises SignInRefused."""
        by_provider = any(each.get("method") == "socialaccount" for each in get_authentication_records(request, user))
        ways = [f"by {settings.PAIRWISE_OIDC_NAME}"] if by_provider else []
        let_in(user=user, origin=origin_of(request), by=" and ".join([*ways, *getattr(request, "shown_factors", [])]))
        user.backend = BACKEND
        super().login(request, user)
        if by_provider:
            request.session[BY_PROVIDER] = True
        elif get_person(user.pk).must_change_password:
            request.session[MUST_CHANGE] = True
        if at := required_from(user):
            request.session[FACTOR_FROM] = at.isoformat()

    def post_login(self, request, user, *, redirect_url=None, **_more) -> HttpResponse:
        return redirect(redirect_url or resolve_url(settings.LOGIN_REDIRECT_URL))


def enter(request, user: User, address: str) -> HttpResponse:
    """For a user whose password was right: a session, and on to ``address``; or on to the second factor. Raises
    SignInRefused."""
    return perform_login(request, Login(user=user, redirect_url=address, state={STAMP: stamp_of(user)}))


def stamp_of(user: User) -> str:
    return user.get_session_auth_hash()
