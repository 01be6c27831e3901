"""Writes Application Template files."""

from provisioning.catalog.apd import _VALID, FORMAT
from provisioning.drafts import TemplateDraft


def write_template(template: TemplateDraft) -> bytes:
    """The .apd file of a template; ``read_template`` gives the same back."""
    lines = ["[template]", f"name = {template.name}", f"type = {template.type}", f"version = {template.version}",
             f"format = {FORMAT}"]
    for port in template.ports:
        lines += ["", f"[port:{port['id']}]", f"port = {port.get('port') or ''}".rstrip(),
                  f"protocol = {port.get('protocol', '')}".rstrip(),
                  f"ha_sync = {'true' if port.get('ha_sync') else 'false'}",
                  f"description = {port.get('description', '')}".rstrip()]
    for section, keys in template.options.items():
        lines += ["", f"[option:{section}]"]
        for key, entry in keys.items():
            if entry.get("help"):
                lines.append(f"; {entry['help']}")
            if entry.get("valid"):
                lines.append(f"; {_VALID} {entry['valid']}")
            lines.append(f"{key} = {entry.get('value', '')}".rstrip())
    return ("\n".join(lines) + "\n").encode()
