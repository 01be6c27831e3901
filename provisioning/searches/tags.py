"""The bar above a list: its saved searches, and its files."""

from django import template
from django.urls import reverse

from provisioning.core.permissions import actor_of
from provisioning.web.exports import files_of

from .facts import query_of
from .selectors import may_delete, searches

register = template.Library()


@register.inclusion_tag("searches/_bar.html", takes_context=True)
def list_bar(context, list_name: str, export: str):
    """``export``: the name of the address of the list's files."""
    request = context["request"]
    actor, plain = actor_of(request), reverse(list_name)
    now = query_of(list_name, request.GET.urlencode())
    return {
        "request": request, "frame": context["frame"], "list_name": list_name, "files": files_of(export),
        "searches": [(row, f"{plain}?{row.query}", row.query == now, may_delete(actor, row),
                      "" if row.user_id == actor.user_id else row.user.get_username())
                     for row in searches(actor, list_name)]}
