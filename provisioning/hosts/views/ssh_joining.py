"""Join by SSH: the host key is shown and confirmed, then the console logs in once."""

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from provisioning.core.permissions import MANAGE_HOSTS, actor_of
from provisioning.errors import Refused
from provisioning.hosts.forms.ssh import LoginForm, PortForm
from provisioning.hosts.selectors.hosts import get_host
from provisioning.hosts.services import ssh_joining as services
from provisioning.web.fields import show_instead
from provisioning.web.pages import page, refuse, show, summary_of

TEMPLATE = "hosts/ssh.html"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(MANAGE_HOSTS)
def host_join_ssh(request, pk):
    """First the port and the key that the machine shows; then the login, which confirms that key."""
    host = get_host(pk)
    if request.method != "POST":
        return _show(request, host, PortForm())
    return _join(request, host) if "key" in request.POST else _look(request, host)


def _show(request, host, form, *, status: int = 200, **more):
    return show(request, TEMPLATE, {"host": host, "form": form, "lines": summary_of(form), **more}, status=status)


def _look(request, host):
    form = PortForm(request.POST)
    if not form.is_valid():
        return _show(request, host, form, status=422)
    port = form.cleaned_data["port"]
    try:
        shown = services.look(actor=actor_of(request), host=host, port=port)
    except Refused as refused:
        refuse(form, refused)
        return _show(request, host, form, status=422)
    return _ask(request, host, shown, LoginForm(initial={"port": port, "key": shown.key.text, "user": "root"}))


def _ask(request, host, shown, form, status: int = 200):
    return _show(request, host, form, status=status, shown=shown, is_plain=not request.is_secure())


@sensitive_variables()
def _join(request, host):
    form, actor = LoginForm(request.POST), actor_of(request)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.begin(actor=actor, host_id=host.pk, port=given["port"], key=given["key"], login=form.login(),
                           asked_host=request.get_host())
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, f"The console logs in to {host}; each stage is below.")
            return redirect("host-detail", pk=host.pk)
    try:
        shown = services.look(actor=actor, host=host, port=form.cleaned_data.get("port") or 22)
    except Refused as refused:
        refuse(form, refused)
        return _show(request, host, PortForm(request.POST), status=422)
    # The key that is shown now is the one to confirm; and what was typed to log in is never sent back.
    show_instead(form, key=shown.key.text, private_key="")
    return _ask(request, host, shown, form, status=422)
