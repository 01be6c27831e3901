"""Make certificates: the verb of a server's secured ports."""

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from provisioning.core.permissions import INSTALL, actor_of
from provisioning.errors import Refused
from provisioning.jobs.views import under_way
from provisioning.verbs.services.jobs import make_certificates
from provisioning.web.answers import safe_address, sentence
from provisioning.web.pages import page


@require_POST
@page(INSTALL)
def application_certificates(request, pk: int):
    """Start the job, then go back to where the button is."""
    try:
        job = make_certificates(actor=actor_of(request), application_id=pk)
    except Refused as error:
        messages.error(request, sentence(error.refusals[0]))
    else:
        messages.success(request, under_way(job))
    return redirect(safe_address(request, request.POST.get("next", ""), reverse("pair-detail", args=[pk])))
