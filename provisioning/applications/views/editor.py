"""The Application editor: New, Edit, the checks while typing, what a template fills in, and the tabs."""

from functools import partial

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.applications.forms.editor import Editor
from provisioning.applications.forms.editors import editor_of, new_editor, posted_editor, stored_editor
from provisioning.applications.forms.editors import fill as fill_editor
from provisioning.applications.rules.saved_notes import notes
from provisioning.applications.selectors import applications as selector
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications as services
from provisioning.catalog.known_options import KnownOptions
from provisioning.core.permissions import CONFIGURE, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.core.rows import with_key
from provisioning.core.text import key_of
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Conflict, NotFound, Refusal, Refused
from provisioning.history.views.deleted import deleted_page
from provisioning.history.views.versions import Opened, opened_version
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Application, ApplicationTemplate
from provisioning.web.answers import sentence, with_sentences
from provisioning.web.lists import leave_for, onward, with_query
from provisioning.web.tables import EDITOR_ACTIONS, JUDGED

from . import editor_parts as parts


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def new(request):
    """New: an empty form (``?template=ID`` begins with one, ``?version=NUMBER`` with what was deleted), Save creates
    the object."""
    actor_of(request).require(CONFIGURE)
    version = opened_version(request, "application")
    if request.method == "POST":
        return _posted(request, posted_editor(request.POST), version)
    if version is not None:
        return _show(request, editor_of(version.draft, None, reason=version.reason), version=version)
    template = with_key(ApplicationTemplate.objects.all(), key_of(request.GET.get("template")))
    return _show(request, new_editor(template))


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def edit(request, pk: int):
    """Edit (``?version=NUMBER``: what it was, as work that is not saved); who may not change sees the same page and a
    sentence why Save is off."""
    actor_of(request).require(CONFIGURE if request.method == "POST" else VIEW)
    try:
        row = selector.get_application(pk)
    except NotFound as error:
        return deleted_page(request, error, object_type="application", key=pk, new="application-new")
    if request.method == "POST":
        return _posted(request, posted_editor(request.POST, row), opened_version(request, "application", row))
    version = opened_version(request, "application", row)
    editor = editor_of(version.draft, row, reason=version.reason) if version else stored_editor(row)
    editor.tab = request.GET.get("tab", "configuration")
    return _show(request, editor, version=version)


def _show(request, editor: Editor, status: int = 200, **more):
    row = editor.application
    context = {**parts.context_of(editor), **more, "actions": EDITOR_ACTIONS}
    if row is not None:
        context |= {"row": row, "blocked": why_not([row], JUDGED)[row.pk]}
    return render(request, "applications/editor.html", context, status=status)


def _posted(request, editor: Editor, version: Opened | None):
    """A step on the rows (only without scripts), or a save."""
    show = partial(_show, version=version)
    step = request.POST.get("step", "")
    if step:
        return show(request, editor, **parts.take_step(editor, step, request.POST))
    if not _valid(editor):
        return show(request, editor, status=422)
    before = application_draft(editor.application) if editor.application else None
    try:
        row = _save(actor_of(request), editor, version.key if version else None)
    except Refused as error:
        editor.refuse(error.refusals, sentence)
        return show(request, editor, status=422)
    except Conflict as conflict:
        return show(request, editor, status=409, conflict=conflict)
    return _after_save(request, editor, row, before)


def _valid(editor: Editor) -> bool:
    """False, with everything that stands against a save, when some text did not become a value."""
    if editor.is_valid():
        return True
    editor.refuse(_refusals(editor, editor.draft_so_far()), sentence)
    return False


def _refusals(editor: Editor, draft: ApplicationDraft) -> list[Refusal]:
    return services.check_application(draft=draft, application_id=editor.application.pk if editor.application else None)


def _save(actor, editor: Editor, key: int | None) -> Application:
    """``key``: of the deleted application that a new one brings back."""
    reason = one_line(editor.reason.cleaned_data["reason"])
    if editor.application is None:
        return services.create_application(actor=actor, draft=editor.draft(), reason=reason, key=key)
    return services.update_application(actor=actor, application_id=editor.application.pk, revision=editor.revision,
                                       draft=editor.draft(), reason=reason)


def _after_save(request, editor: Editor, row: Application, before: ApplicationDraft | None):
    address, hint = onward(request, "application-edit", row.pk), ""
    if before is None and row.is_runnable and not row.is_installed:
        hint = format_html(' Next: <a href="{}">Install</a> it on {}.', onward(request, "application-install", row.pk),
                           row.host)
    status = (editor.application.status if editor.application else "") or ""
    found = notes(KnownOptions(row.template.options), before, application_draft(row), status, row.type)
    say = messages.warning if found else messages.success
    say(request, format_html('<a href="{}">{}</a> was saved.{} {}', address, row.name, hint, " ".join(found)))
    then = request.POST.get("after")
    if then == "new":
        return redirect(f"{reverse('application-new')}?template={row.template_id}")
    if then == "stay":
        return redirect(with_query(address, tab=editor.tab) if editor.tab in list(parts.TABS)[1:] else address)
    return redirect(leave_for(request, "application-list", saved=row.pk))


def _sent(request) -> Editor:
    """The editor that a script sent while somebody types; ``application`` says which object, if it exists."""
    actor_of(request).require(CONFIGURE)
    return parts.posted(request.POST)


@require_POST
@with_sentences
def check(request):
    """Typing checks: the errors of what was touched, and of every row, each for its own place on the page."""
    editor = _sent(request)
    if _valid(editor):
        editor.refuse(_refusals(editor, editor.draft()), sentence)
    touched = set(request.POST.get("touched", "").split())
    return render(request, "pairwise/checked.html", {"checked": editor.checked(touched)})


@require_POST
@with_sentences
def fill(request):
    """What the chosen template (and host) proposes for a new object: Type, Version, options and ports."""
    editor = _sent(request)
    if not editor.is_new:
        raise Http404("Only a new application is filled in from its template.")
    fill_editor(editor, editor.template, key_of(editor.form["host_id"].value()))
    return render(request, "applications/_filled.html", {**parts.context_of(editor), "oob": True})


@require_safe
@with_sentences
def tab(request, pk: int, tab: str):
    """One of the tabs that only show: a fragment for a script, a page otherwise."""
    actor_of(request).require(VIEW)
    if tab not in parts.SHOWN_TABS:
        raise Http404("There is no such tab.")
    row = selector.get_application(pk)
    frame = "web/tab_fragment.html" if request.htmx else "web/tab_page.html"
    template, shown = parts.SHOWN_TABS[tab]
    return render(request, template, {
        "row": row, "tab_frame": frame, "heading": f"{row.name}: {parts.TABS[tab]}", **shown(row)})
