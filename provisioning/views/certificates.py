"""Make certificates: the verb of a server's secured ports."""

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from provisioning.errors import Refused
from provisioning.permissions import INSTALL, actor_of
from provisioning.services.jobs import make_certificates
from provisioning.views.answers import safe_address, sentence
from provisioning.views.pages import page
from provisioning.views.under_way import under_way


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
