"""Which requests of the console may send or take up more than others."""

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import parse_cookie
from django.urls import reverse

from console.gate import BODY_MAX, Scope
from provisioning.permissions import IMPORT, user_roles, verbs_of
from provisioning.selectors.sessions import user_of_session
from provisioning.services.packages import MAX_BYTES

FORM_BYTES = 64 * 1024
"""Of a form around its file."""


def signs_in(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"] in {reverse("login"), reverse("password-change")}


def streams(scope: Scope) -> bool:
    return scope["path"] == reverse("stream")


async def most(scope: Scope) -> int:
    """Bytes: an Installation Package is larger than anything else, and only who may import it may send so much."""
    if scope["method"] == "POST" and scope["path"] == reverse("package-import") and await sync_to_async(
            _may_import, thread_sensitive=False)(scope):
        return MAX_BYTES + FORM_BYTES
    return BODY_MAX


def _may_import(scope: Scope) -> bool:
    cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    try:
        return IMPORT in verbs_of(user_roles(user_of_session(cookies.get(settings.SESSION_COOKIE_NAME))))
    finally:
        connections.close_all()
