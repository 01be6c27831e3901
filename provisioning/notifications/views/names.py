"""What a field that holds names offers while somebody types one of them."""

from collections.abc import Callable, Mapping

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from provisioning.models import AlarmCondition, Application, Channel, Host
from provisioning.notifications.forms import LONGEST_LINE
from provisioning.notifications.rules.named import names_in, parted, quoted
from provisioning.spelling import by_name
from provisioning.web.pages import page

NAMES_MAX = 50
NAMED: Mapping[str, Callable[[], QuerySet]] = {
    "channel": Channel.objects.all, "conditions": AlarmCondition.objects.all, "applications": Application.objects.all,
    "hosts": Host.objects.all, "pairs": lambda: Application.objects.filter(backup_server__isnull=False)}
"""{name of the field: what its names are those of}."""
ONE = frozenset({"channel"})
"""Fields of a single name, which a comma may be a part of."""


@require_safe
@page()
def names(request, named: str):
    """The first names that hold what is being typed, each with what is written before it: a browser offers whole
    values."""
    if named not in NAMED:
        raise Http404("There are no such names.")
    text = request.GET.get(named, "")[:LONGEST_LINE]
    written, typed = ("", text.strip()) if named in ONE else parted(text)
    found = NAMED[named]().exclude(name__in=_chosen(written))
    found = found.filter(name__holds=typed[:255]) if typed else found
    shown = list(found.order_by(*by_name("name")).values_list("name", flat=True)[:NAMES_MAX])
    total = found.count() if len(shown) == NAMES_MAX else len(shown)
    return render(request, "browse/_names.html", {
        "names": shown if named in ONE else [f"{written}{quoted(name)}" for name in shown], "total": total,
        "text": text})


def _chosen(written: str) -> tuple[str, ...]:
    try:
        return names_in(written)
    except ValueError:
        return ()
