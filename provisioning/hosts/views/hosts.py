"""Hosts: list, page, form, delete."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from protocol.said import LARGEST, number
from provisioning.applications.selectors.applications import application_list
from provisioning.applications.services.facts import is_console_host
from provisioning.broker.selectors import broker, why_not_at_rabbitmq
from provisioning.core.events import refusals_of
from provisioning.core.os_accounts import wrong_account_of
from provisioning.core.permissions import MANAGE_HOSTS, actor_of
from provisioning.core.reasons import one_line
from provisioning.core.systems import no_agent
from provisioning.errors import Conflict, NotFound, Refused
from provisioning.history.views.deleted import deleted_page
from provisioning.history.views.versions import Opened, opened_version
from provisioning.hosts.forms.filters import HostFilter
from provisioning.hosts.forms.hosts import HostForm
from provisioning.hosts.selectors.hosts import get_host
from provisioning.hosts.selectors.hosts import host_list as hosts
from provisioning.hosts.selectors.joining import joining
from provisioning.hosts.selectors.ladder import host_ladder as ask_ladder
from provisioning.hosts.services import enrolment
from provisioning.hosts.services import hosts as services
from provisioning.jobs.worker.ping import worker_answers
from provisioning.models import Host
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, checked, page, refuse, show, summary_of
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((
    Column("Name", "name"), Column("IP Address", "address"), Column("OS", "os"), Column("LCA Port", "port", "number"),
    Column("Status", "status"), Column("Agent", "agent"), Column("Applications", "applications", "number"),
    Column("Last heard", "heard"),
))
APPLICATIONS_SHOWN, REFUSALS_SHOWN = 200, 10


@require_safe
@page()
def host_list(request):
    form, sort = HostFilter(request.GET), request.GET.get("sort", "name")
    return show(request, "hosts/list.html", {
        "form": form, "page": page_of(hosts(**form.chosen(), sort=sort), request.GET),
        "header": TABLE.header(sort, request.GET.dict()), "total": Host.objects.count()})


@require_safe
@page()
def host_detail(request, pk):
    host = get_host(pk)
    applications = application_list(host=host.name)
    joins = joining(host, asked_host=request.get_host(), with_line=actor_of(request).may(MANAGE_HOSTS))
    answer = show(request, "hosts/detail.html", {
        "host": host, "runtime": getattr(host, "runtime", None), "facts": facts_of(host), "joining": joins,
        "is_console": is_console_host(host), "no_agent": no_agent(host.name, host.os_type),
        "refusals": refusals_of(host, REFUSALS_SHOWN),
        "applications": [(row, wrong_account_of(row)) for row in applications[:APPLICATIONS_SHOWN]],
        "more": host.application_count > APPLICATIONS_SHOWN})
    if joins.line:
        # It holds a token.
        add_never_cache_headers(answer)
    return answer


@require_safe
@page()
def host_ladder(request, pk):
    """How far the host is reachable at this moment."""
    host = get_host(pk)
    return show(request, "hosts/ladder_page.html", {"host": host, "ladder": ask_ladder(host, ping=worker_answers)})


def facts_of(host: Host) -> dict:
    """The facts of the host's agent that the page shows, None where the agent said nothing."""
    runtime = getattr(host, "runtime", None)
    facts = runtime.facts if runtime else {}
    return {name: number(facts.get(name), 0, most) for name, most in (
        ("cpu_percent", 100), ("memory_percent", 100), ("disk_free_bytes", LARGEST))}


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE_HOSTS)
def host_new(request):
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE_HOSTS)
def host_edit(request, pk):
    try:
        host = get_host(pk)
    except NotFound as error:
        return deleted_page(request, error, object_type="host", key=pk, new="host-new")
    return _edit(request, host)


def _edit(request, host: Host | None):
    """Show the form (``?version=NUMBER``: filled with what the host was), look an address up for it, check what was
    typed so far, or save it."""
    version = opened_version(request, "host", host)
    if request.method != "POST":
        return _form(request, host, _filled(host, version), version=version)
    form = HostForm(request.POST, stored=_system_of(host, version))
    if "check" in request.POST:
        return _check(request, host, form)
    if "lookup" in request.POST:
        return _form(request, host, form.with_address(), version=version,
                     part="pairwise/layout/address.html" if request.htmx else "")
    key = version.key if version else None
    saved, conflict = _save(request, host, form, key) if form.is_valid() else (None, None)
    if saved is None:
        return _form(request, host, form, version=version, conflict=conflict,
                     status=422 if conflict is None else 409)
    messages.success(request, f"Host {saved} was saved.")
    return redirect("host-detail", pk=saved.pk)


def _system_of(host: Host | None, version: Opened | None) -> str:
    """The OS Type that is kept whatever is offered today: of the host, or of what it was."""
    return version.draft.os_type if version is not None else host.os_type if host else ""


def _check(request, host: Host | None, form: HostForm):
    """The rules hold for the whole of a host, so they are asked when every text became a value."""
    if form.is_valid():
        found = services.check_host(draft=form.draft(), host_id=host.pk if host else None)
        if found:
            refuse(form, Refused(*found))
    return checked(request, form, set(request.POST.get("touched", "").split()))


def _filled(host: Host | None, version: Opened | None) -> HostForm:
    if version is not None:
        return HostForm.of_draft(version.draft, revision=host.revision if host else 0, reason=version.reason)
    return HostForm.of(host) if host else HostForm()


def _save(request, host: Host | None, form: HostForm, key: int | None) -> tuple[Host | None, Conflict | None]:
    """The saved host; or None with what is in the way (refusals are put into ``form``). ``key``: of the deleted host
    that a new one brings back."""
    actor, reason = actor_of(request), one_line(form.cleaned_data["reason"])
    try:
        if host is None:
            return _created(actor, form, reason, key), None
        revision = form.cleaned_data["revision"] or 0
        return services.update_host(actor=actor, host_id=host.pk, revision=revision, draft=form.draft(),
                                    reason=reason), None
    except Refused as refused:
        refuse(form, refused)
    except Conflict as conflict:
        return None, conflict
    return None, None


def _created(actor, form: HostForm, reason: str, key: int | None) -> Host:
    """A new host and, where one is of use, its line to paste. Raises Refused."""
    host = services.create_host(actor=actor, draft=form.draft(), reason=reason, key=key)
    hopeless = no_agent(host.name, host.os_type) or broker().why or why_not_at_rabbitmq(host.name)
    if host.enabled and not is_console_host(host) and not hopeless:
        enrolment.make_token(actor=actor, host_id=host.pk)
    return host


def _form(request, host: Host | None, form: HostForm, *, version: Opened | None, conflict: Conflict | None = None,
          part: str = "", status: int = 200):
    if conflict is not None:
        # The button Keep mine sends the one that the other save made.
        del form.fields["revision"]
    return render(request, part or "hosts/edit.html", {
        "host": host, "form": form, "conflict": conflict, "version": version, "lines": summary_of(form)},
        status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE_HOSTS)
def host_delete(request, pk):
    """Ask first; then delete a host that nothing is assigned to."""
    host = get_host(pk)
    if request.method != "POST":
        return dialog(request, "hosts/delete.html", f"Delete host {host}?", {"host": host, "reason": ReasonForm()})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_host(actor=actor_of(request), host_id=pk, reason=reason),
        said=lambda nothing: f"Host {host} was deleted.", to=lambda nothing: reverse("host-list"),
        back=reverse("host-detail", args=[pk]))
