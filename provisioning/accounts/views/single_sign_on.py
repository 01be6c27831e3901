"""There and back: on to the provider of single sign-on, and what it says when somebody comes back (OpenID Connect with
PKCE, by django-allauth). No token is kept, and of what the provider tells nothing but who it is."""

from http import HTTPStatus
from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from provisioning.accounts.rules.single_sign_on import identity_in, is_text, wrong_in_discovery
from provisioning.accounts.selectors.id_tokens import BadToken, claims_of
from provisioning.accounts.selectors.provider_session import ProviderSession
from provisioning.accounts.selectors.single_sign_on import ProviderAway, discovery, is_set_up, why_away
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.accounts.services.single_sign_on import user_of
from provisioning.core.permissions import origin_of
from provisioning.web.answers import safe_address

from .refusal import onward_page, refusal_page

GARBAGE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What reading an answer raises that is not as the protocol has it."""
SUBJECT_MAX = 191
"""Characters, as there is room for in the database."""
STATE_S = 600
"""So long somebody may take to sign in at the provider."""
LOCAL = "local accounts work"
NONE = "Single sign-on is not set up here (PAIRWISE_OIDC_URL, PAIRWISE_OIDC_CLIENT_ID)."


class Provider(OpenIDConnectProvider):
    """The one of the settings. Users are known by (issuer, sub): allauth keeps the first in ``provider``."""

    def extract_uid(self, data) -> str:
        return str(data["sub"])

    def extract_extra_data(self, data) -> dict:
        return {}

    def extract_common_fields(self, data) -> dict:
        return {}

    def extract_email_addresses(self, data) -> list:
        return []

    def get_oauth2_adapter(self, request) -> "Client":
        return Client(request)

    def sociallogin_from_response(self, request, response) -> SocialLogin:
        found = super().sociallogin_from_response(request, response["claims"])
        found.claims, found.why_unknown = response["claims"], response["why_unknown"]
        return found


class Client(OpenIDConnectOAuth2Adapter):
    """What is asked of the provider. Raises ProviderAway."""

    def __init__(self, request):
        super().__init__(request, settings.PAIRWISE_OIDC_URL)

    def get_provider(self) -> Provider:
        return Provider(self.request, app=the_app())

    @property
    def openid_config(self) -> dict:
        if not hasattr(self, "_openid_config"):
            found = discovery()
            if wrong := wrong_in_discovery(found, issuer=settings.PAIRWISE_OIDC_URL):
                raise ProviderAway(wrong[0].rstrip("."))
            self._openid_config = found
        return self._openid_config

    def get_callback_url(self, request, app) -> str:
        base = settings.PAIRWISE_CONSOLE_URL
        address = reverse("single-sign-on-back")
        return f"{base}{address}" if base else request.build_absolute_uri(address)

    @sensitive_variables()
    def get_access_token_data(self, request, app, client, pkce_code_verifier=None) -> dict:
        try:
            return super().get_access_token_data(request, app, client, pkce_code_verifier)
        except GARBAGE as error:
            if isinstance(error, RequestException):
                raise
            raise OAuth2Error("what the provider answered is no token") from None

    @sensitive_variables()
    def complete_login(self, request, app, token, **kwargs) -> SocialLogin:
        said = self._decode_id_token(app, kwargs["response"].get("id_token"))
        if not is_text(subject := said.get("sub")) or len(subject) > SUBJECT_MAX:
            raise OAuth2Error("the provider does not say who it is")
        told, why = self._user_info(token.token)
        if told and told.get("sub") != subject:
            raise OAuth2Error("what the provider tells is of somebody else")
        return self.get_provider().sociallogin_from_response(request, {"claims": {**said, **told}, "why_unknown": why})

    @sensitive_variables()
    def _decode_id_token(self, app, id_token) -> dict[str, Any]:
        """Its signature is looked at although it came by way of TLS: it says who somebody is. Raises OAuth2Error,
        RequestException."""
        try:
            with ProviderSession() as session:
                answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            return claims_of(id_token, keys=answer.json(), issuer=settings.PAIRWISE_OIDC_URL, client_id=app.client_id)
        except (BadToken, *GARBAGE) as error:
            if isinstance(error, RequestException):
                raise
            raise OAuth2Error("what the provider answered says nobody") from None

    @sensitive_variables()
    def _user_info(self, access_token: str) -> tuple[dict[str, Any], str]:
        """(claims, why there are none)."""
        if not isinstance(self.openid_config.get("userinfo_endpoint"), str):
            return {}, ""
        try:
            found = self._fetch_user_info(access_token)
        except RequestException as error:
            return {}, f"the provider could not be asked: {why_away(error)}"
        except GARBAGE:
            return {}, "the provider did not answer as one"
        return (found, "") if isinstance(found, dict) else ({}, "the provider did not answer as one")


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Settings' SOCIALACCOUNT_ADAPTER."""

    def list_apps(self, request, provider=None, client_id=None) -> list[SocialApp]:
        return [the_app()] if is_set_up() else []

    def get_requests_session(self):
        return ProviderSession()

    def is_open_for_signup(self, request, sociallogin) -> bool:
        return False

    def pre_social_login(self, request, sociallogin) -> None:
        """The user, made or found and with the roles of its groups, or a page that says why not."""
        identity = identity_in(sociallogin.claims, issuer=settings.PAIRWISE_OIDC_URL,
                               claim=settings.PAIRWISE_OIDC_GROUPS_CLAIM, why_unknown=sociallogin.why_unknown)
        try:
            sociallogin.user = user_of(identity=identity, origin=origin_of(request))
        except SignInRefused as refused:
            raise ImmediateHttpResponse(refusal_page(request, refused)) from None
        # What waits for a second factor waits in the session.
        sociallogin.token = None
        sociallogin.account = SocialAccount.objects.get(provider=identity.issuer, uid=identity.subject)

    def on_authentication_error(self, request, provider, error=None, exception=None, extra_context=None) -> None:
        raise ImmediateHttpResponse(refusal_page(request, SignInRefused(_why_failed(request, error, exception))))


def _why_failed(request, error, exception) -> str:
    if error == AuthError.CANCELLED:
        return f"You cancelled {settings.PAIRWISE_OIDC_NAME}, so you are not signed in."
    if isinstance(exception, RequestException):
        return away(why_away(exception))
    if exception is None and "error" not in request.GET:
        return ("Your way through the sign-in was lost: it took too long, or it began in another browser. Go back to "
                "sign-in and begin again.")
    return (f"{settings.PAIRWISE_OIDC_NAME} did not let you in, or its answer could not be verified. Try again; if it "
            "stays so, ask an Administrator: ./run manage check --deploy says what is wrong.")


def the_app() -> SocialApp:
    """Of the settings; it is stored nowhere."""
    return SocialApp(
        provider="openid_connect", provider_id=settings.PAIRWISE_OIDC_URL, name=settings.PAIRWISE_OIDC_NAME,
        client_id=settings.PAIRWISE_OIDC_CLIENT_ID, secret=settings.PAIRWISE_OIDC_CLIENT_SECRET,
        settings={"server_url": settings.PAIRWISE_OIDC_URL, "oauth_pkce_enabled": True,
                  "scope": settings.PAIRWISE_OIDC_SCOPES})


def away(why: str) -> str:
    name = settings.PAIRWISE_OIDC_NAME
    return f"{name[0].upper()}{name[1:]} does not answer ({why}); {LOCAL}."


@login_not_required
@never_cache
@require_POST
def single_sign_on(request):
    """On to the provider."""
    if not is_set_up():
        return refusal_page(request, SignInRefused(NONE), HTTPStatus.CONFLICT)
    try:
        answer = Client(request).get_provider().redirect(
            request, AuthProcess.LOGIN, next_url=safe_address(request, request.POST.get("next", ""), reverse("home")))
    except ProviderAway as error:
        return refusal_page(request, SignInRefused(away(str(error))), HTTPStatus.BAD_GATEWAY)
    if not request.user.is_authenticated:
        request.session.set_expiry(STATE_S)
    return onward_page(request, answer["Location"])


@login_not_required
@never_cache
@require_safe
def single_sign_on_back(request):
    """Somebody comes back from the provider."""
    if not is_set_up():
        return refusal_page(request, SignInRefused(NONE), HTTPStatus.CONFLICT)
    try:
        return OAuth2CallbackView.adapter_view(Client(request))(request)
    except ProviderAway as error:
        return refusal_page(request, SignInRefused(away(str(error))), HTTPStatus.BAD_GATEWAY)
    except SignInRefused as refused:
        return refusal_page(request, refused)
