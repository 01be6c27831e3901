"""Installation Packages: list, page, upload, delete."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.catalog.filters import CatalogFilter
from provisioning.catalog.forms import PackageImportForm
from provisioning.catalog.selectors import get_package
from provisioning.catalog.selectors import package_list as packages
from provisioning.catalog.services import packages as services
from provisioning.catalog.stored import client_package, stored_file
from provisioning.core.permissions import IMPORT, actor_of
from provisioning.core.reasons import one_line
from provisioning.core.systems import only_kept
from provisioning.errors import Refused
from provisioning.models import InstallationPackage
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, import_file, page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((Column("Name"), Column("Version"), Column("Locale"), Column("Operating System"), Column("Status"),
               Column("Size", css="number"), Column("Imported")))


def package_status(package: InstallationPackage) -> tuple[str, str]:
    """(word, reason): Complete when the file is stored whole, else Incomplete with what to do."""
    if stored_file(package):
        return "Complete", ""
    return "Incomplete", "The stored file is missing or has another size. Import the package again."


@require_safe
@page()
def package_list(request):
    form = CatalogFilter(request.GET)
    found = page_of(packages(**form.chosen()), request.GET)
    return show(request, "catalog/package_list.html", {
        "form": form, "page": found, "rows": [(package, *package_status(package)) for package in found],
        "header": TABLE.header("", request.GET.dict()), "total": InstallationPackage.objects.count(),
        "client_package": client_package()})


@require_safe
@page()
def client_download(request):
    """The client for Python, for programs that publish and subscribe."""
    file = client_package()
    if file is None:
        raise Refused("The client for Python has not been built on this machine: start Pairwise again.")
    return HttpResponse(file.read_bytes(), content_type="application/zip", headers={
        "Content-Disposition": f'attachment; filename="{file.name}"'})


@require_safe
@page()
def package_detail(request, pk):
    package = get_package(pk)
    word, reason = package_status(package)
    return show(request, "catalog/package_detail.html", {
        "package": package, "status": word, "reason": reason, "only_kept": only_kept(package.os_type)})


@require_http_methods(["GET", "HEAD", "POST"])
@page(IMPORT)
def package_import(request):
    """Choose a package and import it. The upload lies on disk already, so it is never held in memory whole."""
    return import_file(
        request, PackageImportForm,
        lambda file: services.import_package(actor=actor_of(request), file_name=file.name, stream=file),
        template="catalog/package_import.html", noun="an Installation Package", to="package-detail")


@require_http_methods(["GET", "HEAD", "POST"])
@page(IMPORT)
def package_delete(request, pk):
    package = get_package(pk)
    if request.method != "POST":
        return dialog(request, "catalog/package_delete.html",
                      f"Delete Installation Package {package}?", {"package": package, "reason": ReasonForm()})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_package(actor=actor_of(request), package_id=pk, reason=reason),
        said=lambda nothing: f"Installation Package {package} was deleted.", to=lambda nothing: reverse("package-list"),
        back=reverse("package-detail", args=[pk]))
