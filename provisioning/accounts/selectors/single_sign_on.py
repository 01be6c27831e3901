"""How single sign-on is set up, and what its provider says of itself."""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from protocol.outside import read_json
from provisioning.accounts.rules.single_sign_on import BadRoles, is_address, role_map, wrong_in_discovery

log = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderAway(Exception):
    """The provider does not answer, or not as one. The text says why, without what the answer was."""


@dataclass(frozen=True)
class SignInBy:
    """What the sign-in page offers. ``only``: the password is for those who cannot use it."""

    name: str
    only: bool


def is_set_up() -> bool:
    return bool(settings.PAIRWISE_OIDC_URL and settings.PAIRWISE_OIDC_CLIENT_ID)


def sign_in_by() -> SignInBy | None:
    """None where there is no single sign-on."""
    return SignInBy(settings.PAIRWISE_OIDC_NAME, settings.PAIRWISE_OIDC_ONLY) if is_set_up() else None


def discovery() -> dict[str, Any]:
    """What the provider says of itself now. Raises ProviderAway."""
    # Whoever does not ask a provider does not load what it takes.
    import requests

    from .provider_session import ProviderSession

    try:
        with ProviderSession() as session:
            answer = session.get(settings.PAIRWISE_OIDC_URL.rstrip("/") + WELL_KNOWN)
    except requests.RequestException as error:
        raise ProviderAway(why_away(error)) from None
    except OSError as error:
        raise ProviderAway(f"{settings.PAIRWISE_OIDC_CA}: {error.strerror or error}") from None
    if answer.status_code != requests.codes.ok:
        raise ProviderAway(f"{settings.PAIRWISE_OIDC_URL} answers with error {answer.status_code}")
    try:
        found = read_json(answer.content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderAway(f"{settings.PAIRWISE_OIDC_URL} answers with something that is no description of a provider")
    return found


def why_away(error: Exception) -> str:
    """``error`` of requests, in words."""
    import requests

    from .provider_session import TooMuch

    where = settings.PAIRWISE_OIDC_URL
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate of {where} is not trusted: name its authority in PAIRWISE_OIDC_CA"
    if isinstance(error, TooMuch):
        return f"{where} answers with more than a provider would"
    if isinstance(error, requests.Timeout):
        return f"{where} does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return f"{where} cannot be reached"
    return f"asking {where} failed: {type(error).__name__}"


def wrong_at_the_provider() -> list[str]:
    """What keeps single sign-on from working, as the provider itself is asked for it now; in sentences."""
    try:
        return wrong_in_discovery(discovery(), issuer=settings.PAIRWISE_OIDC_URL)
    except ProviderAway as error:
        return [f"The provider of single sign-on does not answer: {error}."]


def end_of_session(back: str) -> str:
    """Where the session at the provider is ended, which then leads ``back``; "" when it does not say, or is away."""
    try:
        address = discovery().get("end_session_endpoint")
    except ProviderAway as error:
        log.info("the session at the provider of single sign-on is not ended: %s", error)
        return ""
    if not is_address(address, issuer=settings.PAIRWISE_OIDC_URL):
        return ""
    asks = urlencode({"client_id": settings.PAIRWISE_OIDC_CLIENT_ID, "post_logout_redirect_uri": back})
    return f"{address}{'&' if '?' in address else '?'}{asks}"


def roles_shown(text: str) -> list[tuple[str, str]]:
    """(group, role), as a setting has them; nothing where it cannot be read."""
    try:
        return sorted(role_map(text).items())
    except BadRoles:
        return []
