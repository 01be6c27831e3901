"""How views answer: refusals as sentences, the addresses of what they name, and what a script is told when all went
well."""

import json
import re
from collections.abc import Callable
from functools import wraps
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from provisioning.errors import Link, NotAllowed, NotFound, Refusal, Refused

PAGES = {"application": "application-edit", "host": "host-detail", "template": "template-detail", "job": "job-detail",
         "drill": "drill-detail", "package": "package-detail", "user": "user-detail", "alarm": "alarm-detail"}


def address_of(link: Link) -> str:
    return reverse(PAGES[link.kind], args=[link.key])


def sentence(refusal: Refusal) -> SafeString:
    """The refusal's message with every object that it names as a link."""
    # The longest first: the name of one may be a part of another's.
    links = sorted(refusal.links, key=lambda link: len(link.name), reverse=True)
    parts: list[str | Link] = [refusal.message]
    for link in links:
        parts = _linked(parts, link)
    unnamed = [format_html(" ({})", _anchor(link)) for link in refusal.links if link not in parts]
    return format_html_join("", "{}", ((part if isinstance(part, str) else _anchor(part),)
                                       for part in (*parts, *unnamed)))


def _linked(parts: list[str | Link], link: Link) -> list[str | Link]:
    """``parts`` with ``link`` in the place of the first time that its name is there as a word of its own. Only what is
    still text is looked at, so that no name is found within the link of another one."""
    word = re.compile(rf"(?<!\w){re.escape(link.name)}(?!\w)") if link.name else None
    for place, part in enumerate(parts):
        if word and isinstance(part, str) and (found := word.search(part)):
            return [*parts[:place], part[:found.start()], link, part[found.end():], *parts[place + 1:]]
    return parts


def _anchor(link: Link) -> SafeString:
    return format_html('<a href="{}">{}</a>', address_of(link), link.name)


def with_sentences(view):
    """A view's NotAllowed, NotFound and Refused become 403, 404 and a message: pages never show a bare error."""

    @wraps(view)
    def answer(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except NotAllowed as error:
            return say(request, str(error), 403) if request.htmx else _deny(error)
        except NotFound as error:
            return say(request, str(error), 404) if request.htmx else _missing(error)
        except Refused as error:
            return refused(request, error)

    return answer


def _deny(error):
    raise PermissionDenied(str(error)) from error


def _missing(error):
    raise Http404(str(error)) from error


def say(request, text: str, status: int) -> HttpResponse:
    """For a script: static/js/dialog.js shows the header's sentence as a message."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8",
                        headers={"X-Pairwise-Sentence": quote(text)})


def in_words(request, status: int, text: str, page: Callable[[], str], *, to_script: str = "") -> HttpResponse:
    """``page()`` for people; ``text`` for programs, and ``to_script`` in place of it for scripts of pages."""
    if request.headers.get("HX-Request"):
        return say(request, to_script or text, status)
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    return HttpResponse(page(), status=status)


def safe_address(request, address: str, otherwise: str) -> str:
    """``address`` when it is one of this console, else ``otherwise``: a form must not send people elsewhere, and a word
    that is no address would be taken for the name of a view."""
    allowed = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()},
                                              require_https=request.is_secure())
    return address if allowed and address.startswith(("/", "http://", "https://")) else otherwise


def refused(request, error: Refused, back: str = "application-list"):
    """The refusals as messages, on the page that a plain form came from (``next``) or on ``back``: an address, or the
    name of one."""
    for refusal in error.refusals:
        messages.error(request, sentence(refusal))
    return done(request, safe_address(request, request.POST.get("next", ""), resolve_url(back)))


def done(request, address: str, *, leave: bool = False, events: tuple[str, ...] = ("rows-changed",)):
    """After a POST: a plain form goes to ``address``; a script gets the messages and the ``events`` to refresh by,
    or leaves for ``address`` when ``leave``."""
    if not request.htmx:
        return redirect(address)
    if leave:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    answer = render(request, "web/_done.html")
    answer["HX-Reswap"] = "none"
    answer["HX-Trigger"] = json.dumps(dict.fromkeys((*events, "dialog-close"), True))
    return answer


def dialog(request, template: str, title: str, context: dict, status: int = 200) -> HttpResponse:
    """``template`` as the content of the dialog for a script, as a page of the frame otherwise."""
    frame = "web/dialog_fragment.html" if request.htmx else "web/dialog_page.html"
    return render(request, template, {**context, "dialog_frame": frame, "dialog_title": title}, status=status)
