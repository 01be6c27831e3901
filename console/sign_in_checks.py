"""System checks of how people sign in: with ``manage.py check``, and before ``./run`` starts anything."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from console.checks import TAG
from protocol.names import LOOPBACK
from protocol.tls import TlsError, client_context
from provisioning.accounts.rules.directory import wrong_in_settings
from provisioning.accounts.rules.single_sign_on import HOW_ROLES, BadRoles, role_map
from provisioning.accounts.selectors.single_sign_on import wrong_at_the_provider

ISSUER_MAX = 200
"""Characters: it is kept with each user who comes from there."""
HOURS = range(1, 7 * 24 + 1)


@register(TAG)
def session_hours(**_) -> list[CheckMessage]:
    hours = settings.SESSION_LONGEST_S // 3600
    return [] if hours in HOURS else [Error(f"PAIRWISE_SESSION_HOURS is {hours}.", id="pairwise.E030", hint=(
        f"Set it to a number from {HOURS[0]} to {HOURS[-1]}."))]


@register(TAG)
def single_sign_on(**_) -> list[CheckMessage]:
    """What can be said without asking the provider."""
    url, found = settings.PAIRWISE_OIDC_URL, list[CheckMessage]()
    if not url:
        return []
    where = urlsplit(url)
    if where.scheme != "https" and not (where.scheme == "http" and where.hostname in LOOPBACK):
        found.append(Error(f"PAIRWISE_OIDC_URL is {url}, which is no address with https://.", id="pairwise.E031",
                           hint="Write the issuer of the provider, as its own pages call it."))
    if len(url) > ISSUER_MAX:
        found.append(Error(f"PAIRWISE_OIDC_URL has more than {ISSUER_MAX} characters.", id="pairwise.E031",
                           hint="Write the issuer of the provider, and not the address of its sign-in page."))
    if not settings.PAIRWISE_OIDC_CLIENT_ID:
        found.append(Error("PAIRWISE_OIDC_URL is set, PAIRWISE_OIDC_CLIENT_ID is not.", id="pairwise.E032",
                           hint="Register Pairwise at the provider; it gives the client ID and the client secret."))
    if settings.PAIRWISE_OIDC_CA:
        try:
            client_context(settings.PAIRWISE_OIDC_CA)
        except TlsError as error:
            found.append(Error(f"PAIRWISE_OIDC_CA cannot be used: {error}.", id="pairwise.E033",
                               hint="Name the PEM file of the authority that the certificate of the provider is of."))
    return [*found, *_roles_of("PAIRWISE_OIDC_ROLES", settings.PAIRWISE_OIDC_ROLES, "single sign-on")]


def _roles_of(name: str, text: str, by: str) -> list[CheckMessage]:
    try:
        roles = role_map(text)
    except BadRoles as error:
        return [Error(f"{name} cannot be used: {error}.", id="pairwise.E034", hint=HOW_ROLES)]
    return [] if roles else [Warning(f"{name} gives no group a role, so nobody new can sign in by {by}.",
                                     id="pairwise.W021", hint=HOW_ROLES)]


@register(TAG)
def directory(**_) -> list[CheckMessage]:
    """What can be said without asking it."""
    if not settings.PAIRWISE_LDAP_URL:
        return []
    found: list[CheckMessage] = [Error(sentence, id="pairwise.E036", hint="docs/integrations/ldap.md has an example.")
                                 for sentence in wrong_in_settings(
        url=settings.PAIRWISE_LDAP_URL, plain=settings.PAIRWISE_LDAP_PLAIN, users=settings.PAIRWISE_LDAP_USERS,
        groups=settings.PAIRWISE_LDAP_GROUPS, user_filter=settings.PAIRWISE_LDAP_USER_FILTER,
        group_type=settings.PAIRWISE_LDAP_GROUP_TYPE)]
    if find_spec("django_auth_ldap") is None:
        found.append(Error("PAIRWISE_LDAP_URL is set, and what asks directories is not installed.", id="pairwise.E037",
                           hint="Install requirements-ldap.txt (docs/integrations/ldap.md says how)."))
    if settings.PAIRWISE_LDAP_PLAIN:
        found.append(Warning("The directory is asked without TLS: who listens on the network sees passwords.",
                             id="pairwise.W022", hint="Use ldaps://, or ldap:// without PAIRWISE_LDAP_PLAIN."))
    return [*found, *_roles_of("PAIRWISE_LDAP_ROLES", settings.PAIRWISE_LDAP_ROLES, "the directory")]


@register(f"{TAG}-sign-in", deploy=True)
def provider_of_single_sign_on(**_) -> list[CheckMessage]:
    """Asks it, so only where somebody has asked for that (check --deploy)."""
    if not settings.PAIRWISE_OIDC_URL:
        return []
    return [Error(sentence, id="pairwise.E035", hint="The people of the provider know; docs/integrations/oidc.md says "
                                                     "what each of these is.")
            for sentence in wrong_at_the_provider()]
