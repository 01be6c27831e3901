"""Application Templates and Installation Packages."""

from django.db.models import Count, Q, QuerySet

from provisioning.errors import NotFound, Refused
from provisioning.models import ApplicationTemplate, InstallationPackage
from provisioning.spelling import by_name
from provisioning.states import OSType


def template_list(*, text: str = "", type: str = "") -> QuerySet[ApplicationTemplate]:
    """Templates by name without what the file says of options and ports; each has ``application_count``."""
    rows: QuerySet = ApplicationTemplate.objects.all()
    found: QuerySet[ApplicationTemplate] = rows.annotate(application_count=Count("applications"))
    found = found.defer("options", "ports")
    if text:
        found = found.filter(Q(name__holds=text) | Q(version__holds=text))
    if type:
        found = found.filter(type=type)
    return found.order_by(*by_name("name"))


def get_template(template_id: int) -> ApplicationTemplate:
    """One row as in ``template_list``, with all of it. Raises NotFound."""
    template = template_list().defer(None).filter(pk=template_id).first()
    if template is None:
        raise NotFound("This Application Template does not exist any more. Somebody may have deleted it.")
    return template


def find_template(name: str) -> ApplicationTemplate:
    """As ``get_template``, by its name."""
    template = template_list().defer(None).filter(name=name).first()
    if template is None:
        raise NotFound(f"There is no Application Template named {name}.")
    return template


def package_list(*, text: str = "", type: str = "") -> QuerySet[InstallationPackage]:
    """Packages by name, the newest import of a name first."""
    found = InstallationPackage.objects.all()
    if text:
        found = found.filter(Q(name__holds=text) | Q(nickname__holds=text) | Q(version__holds=text))
    if type:
        found = found.filter(type=type)
    return found.order_by(*by_name("name"), "-imported_at")


def get_package(package_id: int) -> InstallationPackage:
    """Raises NotFound."""
    package = InstallationPackage.objects.filter(pk=package_id).first()
    if package is None:
        raise NotFound("This Installation Package does not exist any more. Somebody may have deleted it.")
    return package


def find_package(name: str) -> InstallationPackage:
    """The one of this name, which others may have, too. Raises NotFound, Refused."""
    found = list(InstallationPackage.objects.filter(name=name)[:2])
    if not found:
        raise NotFound(f"There is no Installation Package named {name}.")
    if len(found) > 1:
        raise Refused(f"There are several Installation Packages named {name}. Name the one by its id.")
    return found[0]


def systems_for(os_type: str) -> tuple[str, ...]:
    """Operating systems whose packages run on ``os_type``, the best first."""
    return (os_type, *(other for other in _LINUX if other != os_type)) if os_type in _LINUX else (os_type,)


_LINUX = (OSType.LINUX, OSType.REDHAT_LINUX)


def packages_for(type: str, os_type: str) -> list[InstallationPackage]:
    """Those for an application of this type on this operating system; empty when there is none."""
    found = InstallationPackage.objects.filter(type=type, os_type__in=systems_for(os_type))
    return [row for row in found if row.os_type == os_type] or list(found)


def packaged() -> set[tuple[str, str]]:
    """{(type, operating system)} of which there is a package."""
    return set(InstallationPackage.objects.order_by().values_list("type", "os_type").distinct())
