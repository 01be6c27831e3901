"""What was posted is not lost when it could not be carried out: the fields, for a page that posts them again when its
reader says so. Passwords, secrets and files are never kept: they are asked for again."""

import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from provisioning.core.arrival import NO_PAGE
from provisioning.models.applications import MASK, is_secret_option

from .answers import say
from .reached import foreign, wrong_page

log = logging.getLogger(__name__)

OPTION_TABLES = ("option", "annex")
"""Names of the editor's tables; each is three lists: sections, keys, values."""
KEPT_FOR_S = 3600
"""So long somebody may take to sign in again."""
KEPT_MAX = settings.STRANGER_BODY_MAX - 4096
"""Characters of a sealed form: with what is sent beside it, it is taken of those who are not signed in."""
SEAL = "provisioning.views.kept"
WITHOUT_FORM = frozenset({"login", "second-factor", "confirm", "logout", "display", "session"})
"""What is posted there was typed by nobody, or is a password or a code."""
SHOWN_AGAIN = {"application-new": "look", "application-edit": "look"}
"""{name of an address: the ``step`` with which it shows what is posted and saves nothing}."""
REFUSED = ("The form was not sent. Its page was open since before you signed in, or the browser has lost the cookie "
           "that goes with it.")


@dataclass(frozen=True)
class Field:
    """A value that was posted, for the form that posts it again. ``label``: of one that has to be given again, a secret
    or a file; "" for one that is kept."""

    name: str
    value: str = ""
    label: str = ""
    kind: str = "hidden"


@dataclass(frozen=True)
class Kept:
    """A form: where it was posted, and its fields."""

    address: str
    fields: tuple[Field, ...]

    @property
    def again(self) -> list[Field]:
        return [field for field in self.fields if field.label]

    @property
    def sends_files(self) -> bool:
        return any(field.kind == "file" for field in self.fields)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """(label, value) of what is kept and worth reading."""
        return [(label_of(field.name), field.value) for field in self.fields
                if not field.label and field.value not in ("", MASK)]

    @property
    def step(self) -> str:
        """The ``step`` that shows the form filled in, "" where it can only be sent."""
        try:
            return SHOWN_AGAIN.get(resolve(urlsplit(self.address).path).url_name or "", "")
        except Resolver404:
            return ""


def kept_of(request) -> Kept:
    return Kept(request.get_full_path(), tuple(posted(request)) if request.method == "POST" else ())


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
                label_of(name) if is_secret_option("", name.replace("_", "-")) else "")
            if not label or value in ("", MASK):
                yield Field(name, value)
            else:
                yield Field(name, label=label, kind="text" if "\n" in value else "password")
    for name in files:
        for _ in files.getlist(name):
            yield Field(name, label=label_of(name), kind="file")


def label_of(name: str) -> str:
    """``new_password2``: New password 2."""
    return re.sub(r"(?<=\D)(?=\d+$)", " ", name.replace("_", " ")).capitalize()


def _secret_options(values, table: str) -> dict[int, str]:
    """{place: "[section] key"} of the secret options of the editor's form."""
    rows = zip(values.getlist(f"{table}_section"), values.getlist(f"{table}_key"), strict=False)
    return {index: f"[{section}] {key}" for index, (section, key) in enumerate(rows) if is_secret_option(section, key)}


# --- across a sign-in: sealed in its form, good in the browser that it was made for


def sealed(request) -> str:
    """What this request posts, for ``unsealed``; "" when there is too much of it."""
    kept = kept_of(request)
    get_token(request)
    text = signing.dumps({**asdict(kept), "browser": _browser(request)}, salt=SEAL, compress=True)
    return text if len(text) <= KEPT_MAX else ""


def unsealed(request) -> Kept | None:
    """The form that the sign-in page was shown for, if it is of this browser and not too old. To be asked before
    somebody is signed in: that gives the browser another cookie."""
    try:
        said = signing.loads(request.POST.get("kept", ""), salt=SEAL, max_age=KEPT_FOR_S)
    except signing.BadSignature:
        return None
    if not constant_time_compare(said["browser"], _browser(request)):
        return None
    return Kept(said["address"], tuple(Field(**field) for field in said["fields"]))


def _browser(request) -> str:
    return salted_hmac(SEAL, request.META.get("CSRF_COOKIE", "")).hexdigest()


# --- pages


def kept_page(request, kept: Kept, *, heading: str, sentence: str, status: int = 200,
              choose_first: bool = False) -> HttpResponse:
    """The form once more, to be sent by its reader; ``choose_first``: after choosing another password."""
    answer = render(request, "web/kept.html", {
        "kept": kept, "heading": heading, "sentence": sentence, "choose_first": choose_first}, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def csrf_failure(request, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW. A form of this console is shown again, for one click; what another site sends is
    refused and never put before anybody: a click on it would be what that site is after."""
    wrong = foreign(request)
    log.warning("%s %s was refused: %s", request.method, request.path, reason)
    if wrong is None and request.htmx:
        answer = say(request, f"{REFUSED} What you typed is still here: press the button once more.", 403)
        answer.headers["X-Pairwise-Token"] = get_token(request)
        return answer
    match = request.resolver_match
    if wrong is not None or (match and match.url_name in WITHOUT_FORM):
        return wrong_page(request, wrong or NO_PAGE, 403, back=reverse("home"))
    return kept_page(request, kept_of(request), heading="The form was not sent", sentence=REFUSED, status=403)
