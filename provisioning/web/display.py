"""How a reader wants pages to look, kept in cookies."""
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from .answers import safe_address

YEAR_S = 365 * 24 * 3600
CHOICES = {"theme": ("auto", "light", "dark"), "size": ("compact", "comfortable"), "tree": ("open", "closed")}
"""Display choices, each kept in a cookie ``pairwise_<name>`` so that the server draws the page right at once."""


@login_not_required
@require_POST
def display(request):
    """Keep the chosen theme, size or tree in a cookie; a script gets 204, a plain form goes back where it was."""
    by_script = request.headers.get("X-Requested-With") == "fetch"
    answer = HttpResponse(status=204) if by_script else redirect(
        safe_address(request, request.POST.get("next", ""), reverse("home")))
    for name, values in CHOICES.items():
        if request.POST.get(name) in values:
            answer.set_cookie(f"pairwise_{name}", request.POST[name], max_age=YEAR_S, samesite="Lax",
                              httponly=True, secure=settings.SESSION_COOKIE_SECURE)
    return answer
