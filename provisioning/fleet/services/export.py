"""The whole configuration as the YAML that ``manage.py apply`` reads; secrets are masked."""

from typing import Any

from provisioning.applications.selectors import export as applications

from .listed import LISTED


def export_document(*, names: list[str] | None = None) -> dict[str, Any]:
    """As ``applications.selectors.export``, and all that is listed by name alone; ``names`` limits it to these
    applications and their hosts."""
    return applications.export_document(names=names) | ({} if names is not None else {
        key: [kind.written(row) for row in kind.stored()] for key, kind in LISTED.items()})


def export_yaml(*, names: list[str] | None = None) -> str:
    """As text. ``apply`` of it finds nothing to do; a masked secret keeps the stored one."""
    return applications.as_yaml(export_document(names=names))
