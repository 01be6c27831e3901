"""The editor filled: anew, from what is stored, from a draft, from what was posted."""

from provisioning.applications.forms.applications import ApplicationForm
from provisioning.applications.forms.editor import Editor
from provisioning.applications.forms.rows import ConnectionForm, PortForm, option_rows, read_options, read_rows, row_of
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services.draft_completion import template_options, template_ports
from provisioning.catalog.known_options import ANNEX, KnownOptions
from provisioning.core.rows import with_key
from provisioning.core.text import key_of
from provisioning.drafts import ApplicationDraft
from provisioning.models import Application, ApplicationTemplate
from provisioning.web.reasons import ChangeReasonForm


def new_editor(template: ApplicationTemplate | None = None, **initial) -> Editor:
    """The empty editor, or one that begins with a template."""
    editor = Editor(form=ApplicationForm(initial={"template_id": template.pk if template else None, **initial}))
    if template:
        fill(editor, template, host_id=initial.get("host_id"))
    return editor


def stored_editor(application: Application) -> Editor:
    """The editor of a stored application."""
    return editor_of(application_draft(application), application)


def editor_of(draft: ApplicationDraft, application: Application | None, *, reason: str = "") -> Editor:
    """The editor filled with a complete draft, to be saved over ``application`` or (None) as a new one."""
    template = with_key(ApplicationTemplate.objects.all(), draft.template_id)
    return Editor(
        form=ApplicationForm(initial=ApplicationForm.initial_of(draft)), application=application,
        revision=application.revision if application else 0, ports=[row_of(port) for port in draft.ports or ()],
        connections=[row_of(connection) for connection in draft.connections or ()],
        options=option_rows(draft.options or {}, _known(template)),
        annex=option_rows(draft.annex or {}, ANNEX),
        filled_from=draft.template_id, reason=ChangeReasonForm(initial={"reason": reason}),
    )


def posted_editor(values, application: Application | None = None) -> Editor:
    """The editor as somebody sent it. ``values``: a QueryDict."""
    editor = Editor(
        form=ApplicationForm(values), application=application,
        ports=read_rows(values, "ports", PortForm), connections=read_rows(values, "connections", ConnectionForm),
        revision=key_of(values.get("revision")) or 0, filled_from=key_of(values.get("filled_from")),
        tab=values.get("tab", "") or "configuration", reason=ChangeReasonForm(values),
    )
    editor.options = read_options(values, "option", _known(editor.template))
    editor.annex = read_options(values, "annex", ANNEX)
    return editor


def fill(editor: Editor, template: ApplicationTemplate | None, host_id: int | None) -> None:
    """Give a new object what ``template`` proposes; what somebody changed by hand stays."""
    before = template_options(with_key(ApplicationTemplate.objects.all(), editor.filled_from))
    proposal = template_options(template)
    for row in editor.options:
        if before.get(row.section, {}).get(row.key) != row.value:
            proposal.setdefault(row.section, {})[row.key] = row.value
    editor.options = option_rows(proposal, _known(template))
    emptied = not editor.ports and template is not None and editor.filled_from == template.pk
    if not emptied and all(row.proposed for row in editor.ports):
        editor.ports = [row_of(port, proposed=True) for port in template_ports(template, host_id)]
    editor.filled_from = template.pk if template else None


def _known(template: ApplicationTemplate | None) -> KnownOptions:
    return KnownOptions(template.options if template else {})
