"""The wall display, for whoever has its address, and the dialog in which an Administrator makes and revokes that."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import WALL, actor_of, origin_of
from provisioning.errors import NotFound, Refused
from provisioning.hosts.services.attempts import TooMany
from provisioning.monitoring.selectors.wall import made_by, wall
from provisioning.monitoring.services import wall as services
from provisioning.web.answers import dialog, done
from provisioning.web.lists import leave_for
from provisioning.web.pages import page

TOO_MANY = "Too many wrong addresses came from here. Wait a minute.\n"


@require_safe
@never_cache
@login_not_required
@sensitive_variables("token")
def wall_page(request, token: str):
    """Nobody signs in, and nothing else is opened by it."""
    try:
        services.admit(token=token, origin=origin_of(request))
    except TooMany:
        answer = HttpResponse(TOO_MANY, status=429, content_type="text/plain; charset=utf-8")
    except NotFound as error:
        raise Http404(str(error)) from None
    else:
        answer = render(request, "monitoring/wall.html", {"wall": wall()})
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(WALL)
@sensitive_variables("token")
def wall_display(request):
    """Says whether there is an address; makes one, which is shown only now, or revokes it."""
    back = leave_for(request, "alarm-list")
    verb = request.POST.get("verb", "")
    if verb == "make":
        token = services.make_address(actor=actor_of(request))
        address = request.build_absolute_uri(reverse("wall", args=[token]))
        return dialog(request, "monitoring/wall_address.html", "Address of the wall display", {
            "address": address, "back": back})
    if verb == "revoke":
        try:
            services.revoke_address(actor=actor_of(request))
        except Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The address of the wall display was revoked.")
        return done(request, back)
    return dialog(request, "monitoring/wall_display.html", "Wall display", {"made": made_by(), "back": back})
