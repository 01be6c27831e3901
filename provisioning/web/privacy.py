"""What a browser keeps of a page, and how pages travel: what was shown to one person is not there for the next."""

from django.conf import settings
from django.middleware.gzip import GZipMiddleware
from django.utils.crypto import salted_hmac
from django.utils.deprecation import MiddlewareMixin

SHOWN_TO = f"pairwise_who_{settings.PORT_OF_BROWSERS}"
"""A cookie that scripts may read: it names the session and opens nothing (static/js/back.js)."""


class PrivatePages(MiddlewareMixin):
    """Nobody but the browser of who asked keeps a page, and it asks again before it shows the page once more.

    Not ``no-store``, but where a view says so: browsers give up with the page what was typed into it, and somebody who
    goes back to a form that took ten minutes would find it empty. So that after a sign-out Back shows nothing of who
    was signed in: the sign-out has the browser throw away what it kept, and pages compare whom they were made for.
    """

    def process_response(self, request, response):
        response.headers.setdefault("Cache-Control", "private, no-cache")
        match = request.resolver_match
        if match and match.url_name == "logout":
            response.headers["Clear-Site-Data"] = '"cache"'
        self._say_to_whom(request, response)
        return response

    @staticmethod
    def _say_to_whom(request, response) -> None:
        session = getattr(request, "session", None)
        key = session.session_key if session is not None else None
        who = salted_hmac(SHOWN_TO, key).hexdigest()[:32] if key else ""
        if who == request.COOKIES.get(SHOWN_TO, ""):
            return
        if who:
            response.set_cookie(SHOWN_TO, who, max_age=settings.SESSION_COOKIE_AGE, samesite="Lax",
                                secure=settings.SESSION_COOKIE_SECURE)
        else:
            response.delete_cookie(SHOWN_TO, samesite="Lax")


class CompressedPages(GZipMiddleware):
    """Pages only, whole ones, without secrets. From the length of a compressed answer its secrets can be guessed by who
    has his own words put into it again and again (BREACH): CSRF tokens are masked anew each time, Django makes the
    length vary, cookies do not come from other sites, and what shows another secret is ``no-store``. Streams are
    events, which have to arrive at once, and files."""

    def process_response(self, request, response):
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.streaming or not is_page or "no-store" in response.headers.get("Cache-Control", ""):
            return response
        return super().process_response(request, response)
