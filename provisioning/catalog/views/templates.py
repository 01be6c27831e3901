"""Application Templates: list, page, import of an .apd file, delete."""

from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.catalog.filters import CatalogFilter
from provisioning.catalog.forms import TemplateImportForm
from provisioning.catalog.selectors import get_template
from provisioning.catalog.selectors import template_list as templates
from provisioning.catalog.services import templates as services
from provisioning.core.permissions import IMPORT, actor_of
from provisioning.core.reasons import one_line
from provisioning.models import ApplicationTemplate
from provisioning.spelling import by_name
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, import_file, page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((Column("Name"), Column("Type"), Column("Version"), Column("State"), Column("Used by", css="number"),
               Column("Imported")))


@require_safe
@page()
def template_list(request):
    form = CatalogFilter(request.GET)
    return show(request, "catalog/template_list.html", {
        "form": form, "page": page_of(templates(**form.chosen()), request.GET),
        "header": TABLE.header("", request.GET.dict()), "total": ApplicationTemplate.objects.count()})


@require_safe
@page()
def template_detail(request, pk):
    template = get_template(pk)
    used = template.applications.select_related("host").order_by(*by_name("name"))
    return show(request, "catalog/template_detail.html", {
        "template": template, "page": page_of(used, request.GET), "total": template.application_count})


@require_http_methods(["GET", "HEAD", "POST"])
@page(IMPORT)
def template_import(request):
    """Choose an .apd file and import it; errors stand beside the file."""
    return import_file(
        request, TemplateImportForm,
        lambda file: services.import_template(actor=actor_of(request), file_name=file.name, content=file.read()),
        template="catalog/template_import.html", noun="an Application Template", to="template-detail")


@require_http_methods(["GET", "HEAD", "POST"])
@page(IMPORT)
def template_delete(request, pk):
    template = get_template(pk)
    if request.method != "POST":
        return dialog(request, "catalog/template_delete.html",
                      f"Delete Application Template {template}?", {"template": template, "reason": ReasonForm()})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_template(actor=actor_of(request), template_id=pk, reason=reason),
        said=lambda nothing: f"Application Template {template} was deleted.",
        to=lambda nothing: reverse("template-list"), back=reverse("template-detail", args=[pk]))
