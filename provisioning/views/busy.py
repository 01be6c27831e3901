"""What is answered while the Configuration Database is busy or away: 503 and a sentence, with what was typed kept."""

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template import loader
from django.views.defaults import server_error

from provisioning.models.applications import MASK, is_secret_option
from provisioning.rules.database_trouble import FULL, LOCKED, Trouble, trouble_of

log = logging.getLogger(__name__)

RETRY_S = {LOCKED: 5}
RETRY_LATER_S = 30
WHAT_TO_DO = {LOCKED: "The console has waited for it as long as it may.", FULL: "Make room on it, then try again."}
OPTION_TABLES = ("option", "annex")
"""Names of the editor's tables; each is three lists: sections, keys, values."""


@dataclass(frozen=True)
class Field:
    """A value that was posted, for the form that posts it again. ``label``: of one that has to be given again, a secret
    or a file; "" for one that is kept."""

    name: str
    value: str = ""
    label: str = ""
    kind: str = "hidden"


def fault(request):
    """Django's handler of what no view has caught. A fault of the console is 500, as ever."""
    error = sys.exc_info()[1]
    trouble = trouble_of(error) if error is not None else None
    if trouble is None:
        return server_error(request)
    log.warning("%s %s was answered with 503: %s (%s)", request.method, request.path, trouble.sentence, error)
    answer = _answer(request, trouble)
    answer.headers["Retry-After"] = str(RETRY_S.get(trouble.code, RETRY_LATER_S))
    answer.headers["Cache-Control"] = "no-store"
    # Django would log it again, with its traces.
    answer._has_been_logged = True
    return answer


def _answer(request, trouble: Trouble) -> HttpResponse:
    if request.headers.get("HX-Request"):
        text = (f"{trouble.sentence} What you asked for was not finished; what you typed is still here. Try again in a "
                "moment.")
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8",
                            headers={"X-Pairwise-Sentence": quote(text)})
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(f"{trouble.sentence} Try again later.\n", status=503,
                            content_type="text/plain; charset=utf-8")
    fields = list(posted(request)) if request.method == "POST" else []
    # Nothing in it asks the database, not even who is signed in.
    body = loader.render_to_string("busy.html", {
        "trouble": trouble, "what_to_do": WHAT_TO_DO.get(trouble.code, ""), "is_busy": trouble.code == LOCKED,
        "posts": request.method == "POST", "fields": fields, "again": [field for field in fields if field.label],
        "sends_files": any(field.kind == "file" for field in fields), "address": request.get_full_path(),
        "theme": request.COOKIES.get("pairwise_theme", ""), "csrf_token": get_token(request)})
    return HttpResponse(body, status=503)


def posted(request) -> Iterator[Field]:
    """What was posted, in order; secrets and files without their value, with a label."""
    try:
        values, files = request.POST, request.FILES
    except Exception as error:
        # It could not be read, so the answer is about that and not about the form.
        log.info("what was posted to %s cannot be kept: %s", request.path, error)
        return
    secret_options = {table: _secret_options(values, table) for table in OPTION_TABLES}
    for name in values:
        if name == "csrfmiddlewaretoken":
            continue
        table = name.removesuffix("_value")
        for index, value in enumerate(values.getlist(name)):
            label = secret_options[table].get(index, "") if name.endswith("_value") and table in OPTION_TABLES else (
                _label(name) if is_secret_option("", name.replace("_", "-")) else "")
            if not label or value in ("", MASK):
                yield Field(name, value)
            else:
                yield Field(name, label=label, kind="text" if "\n" in value else "password")
    for name in files:
        for _ in files.getlist(name):
            yield Field(name, label=_label(name), kind="file")


def _label(name: str) -> str:
    """``new_password2``: New password 2."""
    return re.sub(r"(?<=\D)(?=\d+$)", " ", name.replace("_", " ")).capitalize()


def _secret_options(values, table: str) -> dict[int, str]:
    """{place: "[section] key"} of the secret options of the editor's form."""
    rows = zip(values.getlist(f"{table}_section"), values.getlist(f"{table}_key"), strict=False)
    return {index: f"[{section}] {key}" for index, (section, key) in enumerate(rows) if is_secret_option(section, key)}
