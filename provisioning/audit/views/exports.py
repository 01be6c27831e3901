"""Audits as files: of one pair, or of all that the list shows."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from provisioning.audit.exports import FORMATS, Format, html_page
from provisioning.audit.exports.stored_results import EVERYTHING, LAST, PAIRS_MAX, Pairs, head_of, moment_of, results_of
from provisioning.audit.forms.filters import AuditFilter
from provisioning.audit.selectors.audits import audit_list
from provisioning.core.permissions import EXPORT, actor_of
from provisioning.core.text import file_word
from provisioning.errors import NotFound, Refused
from provisioning.pairs.selectors.page import pair_rows
from provisioning.states import Severity
from provisioning.web.answers import refused
from provisioning.web.exports import Streamed, gathered
from provisioning.web.pages import page


@require_safe
@page(EXPORT)
def audit_export(request, file_format: str):
    """What the list shows with the same filter, on all its pages; ``compare``: what each finding is against then."""
    form = AuditFilter(request.GET)
    found = audit_list(**form.chosen(), sort=request.GET.get("sort", "")[:32])
    return _file(request, file_format, list(found.values_list("pk", flat=True)[:PAIRS_MAX + 1]), scope=scope_of(form))


@require_safe
@page(EXPORT)
def audit_pair_export(request, pk: int, file_format: str):
    """One pair."""
    members = [row.name for row in pair_rows(pk) if row]
    ids = results_of([pk])
    if not ids:
        raise NotFound(f"{members[0]} was not audited yet. Audit it, then export the result.")
    return _file(request, file_format, ids, scope=" ⇄ ".join(members), name=members[0])


def scope_of(form: AuditFilter) -> str:
    """Which pairs a filter leaves, in words."""
    chosen = form.chosen()
    if not chosen:
        return EVERYTHING
    words = [f"{form.fields[name].label}: {dict(getattr(form.fields[name], 'choices', ())).get(value, value)}"
             for name, value in chosen.items()]
    return f"Pairs and single Message Servers with {'; '.join(words)}"


def _file(request, file_format: str, ids: list[int], *, scope: str, name: str = "") -> HttpResponseBase:
    try:
        return _written(request, file_format, ids, scope, name)
    except Refused as error:
        return refused(request, error, back="audit-list")


def _written(request, file_format: str, ids: list[int], scope: str, name: str) -> HttpResponseBase:
    chosen = FORMATS.get(file_format)
    if chosen is None:
        raise Http404("There is no such format.")
    if len(ids) > PAIRS_MAX:
        raise Refused(f"{len(ids):,} pairs are too many for one file; {PAIRS_MAX:,} fit. Filter the list first.")
    headers = _headers(chosen, name)
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    compare = request.GET.get("compare", "")
    baseline = None if not compare else LAST if compare == LAST else moment_of(compare, timezone.now())
    least = request.GET.get("fail-on", "")
    head = head_of(ids, scope=scope, made_by=actor_of(request).name,
                   least=least if least in Severity.values else str(Severity.ERROR),
                   compared_with=baseline)
    return Streamed(gathered(chosen.write(head, Pairs(ids, baseline))), headers=headers)


def _headers(chosen: Format, name: str) -> dict[str, str]:
    words = ["pairwise-audit", *filter(None, [file_word(name)]),
             f"{timezone.localtime():%Y-%m-%d}"]
    return {"Content-Type": chosen.content_type, "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{"-".join(words)}.{chosen.suffix}"',
            "Content-Security-Policy": html_page.policy()}
