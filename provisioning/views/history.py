"""History: who changed what, when and from where."""

from django.views.decorators.http import require_safe

from provisioning.forms.filters import OBJECT_TYPES, HistoryFilter
from provisioning.models import HistoryEntry
from provisioning.selectors.history import group_by_request, history_list, history_users, mark_present
from provisioning.tables import page_of
from provisioning.views.answers import PAGES
from provisioning.views.pages import page, show


@require_safe
@page()
def history(request):
    """Entries of one request stand together, with before and after of each field."""
    form = HistoryFilter(request.GET, users=history_users())
    found = page_of(history_list(**form.chosen()), request.GET)
    return show(request, "history/list.html", {
        "form": form, "page": found, "requests": group_by_request(mark_present(found)), "pages": PAGES,
        "kinds": OBJECT_TYPES, "total": HistoryEntry.objects.count()})
