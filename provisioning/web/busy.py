"""What is answered while the Configuration Database is busy or away: 503 and a sentence, with what was typed kept."""

import logging
import sys

from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template import loader
from django.views.defaults import server_error

from provisioning.core.database_trouble import ADVICE, FULL, LOCKED, MOVED, Trouble
from provisioning.core.database_version import trouble_with

from .answers import in_words
from .kept import kept_of

log = logging.getLogger(__name__)

RETRY_S = {LOCKED: 5, MOVED: 10}
RETRY_LATER_S = 30
WHAT_TO_DO = {LOCKED: "The console has waited for it as long as it may.", FULL: "Make room on it, then try again.",
              MOVED: "Servers go on meanwhile.", **ADVICE}


def fault(request):
    """Django's handler of what no view has caught. A fault of the console is 500, as ever."""
    error = sys.exc_info()[1]
    trouble = trouble_with(error) if error is not None else None
    if trouble is None:
        return server_error(request)
    log.warning("%s %s was answered with 503: %s (%s)", request.method, request.path, trouble.sentence, error)
    return _to_try_again(request, trouble)


def takes_no_changes(request, trouble: Trouble):
    """What is answered to who wants to change something in a database that must not be written to."""
    return _to_try_again(request, trouble)


def _to_try_again(request, trouble: Trouble) -> HttpResponse:
    answer = _answer(request, trouble)
    answer.headers["Retry-After"] = str(RETRY_S.get(trouble.code, RETRY_LATER_S))
    answer.headers["Cache-Control"] = "no-store"
    # Django would log it again, with its traces.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # what its own log looks for
    return answer


def _answer(request, trouble: Trouble) -> HttpResponse:
    return in_words(
        request, 503, f"{trouble.explained} Try again later.",
        # Nothing in it asks the database, not even who is signed in.
        lambda: loader.render_to_string("web/busy.html", {
            "trouble": trouble, "what_to_do": WHAT_TO_DO.get(trouble.code, ""), "is_busy": trouble.code in RETRY_S,
            "posts": request.method == "POST", "kept": kept_of(request),
            "theme": request.COOKIES.get("pairwise_theme", ""), "csrf_token": get_token(request)}),
        to_script=f"{trouble.explained} What you asked for was not finished; what you typed is still here. Try again "
                  "in a moment.")
