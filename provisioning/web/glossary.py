"""The words of the console and what they mean."""

from django.views.decorators.http import require_safe

from provisioning.glossary import TERMS, anchor

from .pages import page, show


@require_safe
@page()
def glossary(request):
    """Every term with its sentence; ``#term`` in the address leads to one."""
    return show(request, "web/glossary.html", {
        "terms": [(anchor(term), term, text) for term, text in TERMS.items()]})
