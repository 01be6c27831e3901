"""Monitoring > Centralized Log: the records, one of them, which pair collects them, and files."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.applications.selectors.applications import find_application, keys_by_name
from provisioning.broker.secrets import known_secrets
from provisioning.core.permissions import CONFIGURE, EXPORT, actor_of
from provisioning.core.redaction import Redactor
from provisioning.errors import Conflict, NotFound, Refused
from provisioning.models import Application
from provisioning.web.answers import dialog, done
from provisioning.web.pages import page, refuse, show
from provisioning.web.tables import Column, Table

from .facts import CATEGORIES_SHOWN, LEVELS_SHOWN, Cursor, moment
from .files import FORMATS
from .forms import LogFilter, SettingForm
from .selectors import records
from .selectors.reader import TOPIC, reader_seen
from .selectors.setting import chosen, members
from .services import setting

TABLE = Table(tuple(map(Column, ("Time", "Level", "Event", "Application", "Text"))))
EXPORTED_MOST, EXPORT_LOOK_S = 10_000, 20.0
NEWEST = 50


def _shown(row) -> dict:
    return {"record": row, "at": moment(row.at), "received": moment(row.received),
            "level": LEVELS_SHOWN.get(row.level, row.level),
            "category": CATEGORIES_SHOWN.get(row.category, row.category)}


@require_safe
@page()
def log_list(request):
    form, before = LogFilter(request.GET), Cursor.read(request.GET.get("before", ""))
    query = form.query()
    found = records.find(query, before=before,
                         within_s=records.LOOK_ON_S if request.GET.get("on") else records.LOOK_S)
    return show(request, "logs/list.html", {
        "form": form, "page": [_shown(row) for row in found.rows], "found": found, "before": before, "topic": TOPIC,
        "keys": keys_by_name(row.application for row in found.rows),
        "header": TABLE.header("", request.GET.dict()), "chosen": chosen().log_to, "reader": _reader(),
        "is_empty": not found.rows and not records.are_there()})


@require_safe
@page()
def log_newest(request):
    """The newest records of what is named whole in the address, for a part of a page about it."""
    found = records.find(LogFilter(request.GET).query(), most=NEWEST, whole=True)
    return render(request, "logs/_newest.html", {
        "page": [_shown(row) for row in found.rows], "more": found.next, "query": request.GET.urlencode(),
        "chosen": chosen().log_to})


def _reader() -> dict:
    seen = reader_seen()
    return {"seen": seen, "answers": seen.answers(timezone.now())}


@require_safe
@page()
def log_record(request, pk: int):
    row = records.get_record(pk)
    return show(request, "logs/record.html", {**_shown(row), "attributes": sorted(row.attributes.items())})


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONFIGURE)
def log_settings(request):
    """Which pair collects log records."""
    conflict, stored = None, chosen()
    form = SettingForm.of(stored.log_to, setting.mark_of(stored), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            row = setting.choose(actor=actor_of(request), application_id=_named(form.cleaned_data["application"]),
                                 seen=form.cleaned_data["seen"] or None)
        except Refused as error:
            refuse(form, error)
        except NotFound as error:
            form.add_error("application", f"{error} Choose one of those that are offered while you type.")
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(setting.seen_now())
        else:
            messages.success(request, f"Log records are collected from {row.name}." if row else
                             "No log records are collected any more.")
            return done(request, reverse("log-list"), leave=True)
    return dialog(request, "logs/settings.html", "Centralized Log: Settings", {"form": form, "conflict": conflict},
                  status=409 if conflict else 422 if form.is_bound else 200)


def _named(name: str) -> int | None:
    """The key of the application of this name, None for no name. Raises NotFound."""
    return find_application(name).pk if name.strip() else None


@require_safe
@page(EXPORT)
def log_export(request, log_format: str):
    """What the list shows with the same filter, from its newest on, without secrets."""
    written = FORMATS.get(log_format)
    if written is None:
        raise Http404("There is no such format.")
    headers = {"Cache-Control": "no-store", "Content-Disposition": (
        f'attachment; filename="pairwise-log-{timezone.localtime():%Y-%m-%d}.{log_format}"')}
    if request.method == "HEAD":
        return HttpResponse(content_type=written.content_type, headers=headers)
    found = records.find(LogFilter(request.GET).query(), most=EXPORTED_MOST, within_s=EXPORT_LOOK_S)
    return HttpResponse(written.write(found, _redactor()), content_type=written.content_type, headers=headers)


def _redactor() -> Redactor:
    """Knows the secrets of the console and of whoever collects the records."""
    primary = chosen().log_to
    rows = list(Application.objects.select_related("host").filter(pk__in=[row.pk for row in members(primary)])
                ) if primary else []
    return Redactor(known_secrets(rows, [row.host for row in rows if row.host]))
