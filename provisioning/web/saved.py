"""Which form was accepted. A browser keeps what was typed until it is told so (static/js/drafts.js): that a page came
afterwards says nothing, as every other page comes like that too."""

import secrets
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.utils.deprecation import MiddlewareMixin
from django.utils.encoding import escape_uri_path

from .kept import WITHOUT_FORM
from .requests import Request

SAVED = f"pairwise_saved_{settings.PORT_OF_BROWSERS}_"
"""Begin of the name of a cookie that scripts may read; its end is the path of the form. Its value is another one each
time, by which a script tells this save from the one before."""
LASTS_S = 120
"""Long enough for the page that a browser is sent to after a save."""
REFUSED = "X-Pairwise-Refused"
"""Header of an answer to a script that is a page or a redirect, and yet nothing was saved."""


class Messages(FallbackStorage):
    """Messages that know whether one of this request was an error: its form was not accepted."""

    request: Request

    def add(self, level, message, extra_tags=""):
        if level >= messages.ERROR:
            self.request.was_refused = True
        super().add(level, message, extra_tags)


class TellSaved(MiddlewareMixin):
    """A form that was accepted is answered with another address, and with a cookie that names the form.

    As this is the innermost middleware and synchronous, all others are called in one thread, which Django else changes
    before and after each of them.
    """

    async_capable = False

    def process_response(self, request, response):
        match = request.resolver_match
        if request.method != "POST" or match is None or match.url_name in WITHOUT_FORM:
            return response
        if getattr(request, "was_refused", False):
            response.headers[REFUSED] = "1"
        elif response.status_code == 302 and not request.htmx:
            response.set_cookie(cookie_of(request.path), secrets.token_hex(4), max_age=LASTS_S, samesite="Lax",
                                secure=settings.SESSION_COOKIE_SECURE)
        return response


def cookie_of(path: str) -> str:
    return SAVED + quote(escape_uri_path(path), safe="")
