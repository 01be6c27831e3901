"""Which requests of the console may send or take up more than others."""

from functools import cache

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import parse_cookie
from django.urls import reverse

from console.gate import BODY_MAX, STRANGER_BODY_MAX, Scope
from provisioning.accounts.services.tokens import verbs_by
from provisioning.catalog.services.packages import MAX_BYTES
from provisioning.core.permissions import IMPORT, user_roles, verbs_of
from provisioning.web.sessions import user_of_session

FORM_BYTES = 64 * 1024
"""Of a form around its file."""


SIGN_INS = ("login", "second-factor", "single-sign-on", "confirm", "password-change")
"""Names of addresses at which a password or a code is looked at, or a provider is asked, when something is posted."""
COMES_BACK = "single-sign-on-back"
"""Where a provider is asked whatever the method is."""


def signs_in(scope: Scope) -> bool:
    return scope["path"] in _paths(*SIGN_INS, COMES_BACK) if scope["method"] == "POST" else (
        scope["path"] in _paths(COMES_BACK))


@cache
def _paths(*names: str) -> frozenset[str]:
    return frozenset(reverse(name) for name in names)


async def most(scope: Scope) -> int:
    """Bytes. An Installation Package is larger than anything else, and only who may import it may send so much."""
    headers = dict(scope["headers"])
    imports = scope["method"] == "POST" and scope["path"] in {
        reverse("package-import"), reverse("api", args=["v1/packages"])}
    if shown := headers.get(b"authorization", b"").decode("latin-1"):
        return await sync_to_async(_most_with_token, thread_sensitive=False)(shown, imports)
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return STRANGER_BODY_MAX
    return await sync_to_async(_most, thread_sensitive=False)(key, imports)


def _most_with_token(shown: str, imports: bool) -> int:
    """A wrong one is counted when its request is looked at."""
    try:
        verbs = verbs_by(shown.partition(" ")[2].strip())
        if verbs is None:
            return STRANGER_BODY_MAX
        return MAX_BYTES if imports and IMPORT in verbs else BODY_MAX
    finally:
        connections.close_all()


def _most(session_key: str, imports: bool) -> int:
    try:
        user = user_of_session(session_key)
        if not user.is_authenticated:
            return STRANGER_BODY_MAX
        return MAX_BYTES + FORM_BYTES if imports and IMPORT in verbs_of(user_roles(user)) else BODY_MAX
    finally:
        connections.close_all()
