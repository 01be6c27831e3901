"""Looks on hosts: the verb of a host's page."""

from django.urls import reverse
from django.views.decorators.http import require_POST

from provisioning.core.permissions import AUDIT, actor_of
from provisioning.jobs.views import under_way
from provisioning.web.pages import carry_out, page

from . import services as looks


@require_POST
@page(AUDIT)
def host_look(request, pk):
    """Look on the host now."""
    back = reverse("host-detail", args=[pk])
    return carry_out(request, lambda: looks.look_at_host(actor=actor_of(request), host_id=pk), back=back,
                     to=lambda job: back, said=under_way)
