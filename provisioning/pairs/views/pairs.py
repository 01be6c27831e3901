"""The Pair page, the list of pairs, and the parts of both that refresh themselves."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from provisioning.core.text import key_of
from provisioning.pairs.forms.filters import PairFilter
from provisioning.pairs.selectors import page as selector
from provisioning.pairs.selectors.pairs import only_kept
from provisioning.web.pages import page, show
from provisioning.web.tables import Column, Table, page_of

from .page import PairPage

ROWS_MAX = 500
PARTS = {"head": "pairs/_head.html", "cards": "pairs/_cards.html", "failover": "pairs/_failover.html",
         "drill": "pairs/_drill.html", "guide": "pairs/_guide.html", "compare": "pairs/_compare.html",
         "timeline": "pairs/_timeline.html"}
TABLE = Table((Column("Pair"), Column("Status"), Column("Active"), Column("Sync link"),
               Column("Automatic failover"), Column("Messages", css="spark-column")))


@require_safe
@page()
def pair_list(request):
    form = PairFilter(request.GET)
    return show(request, "pairs/list.html", {
        "form": form, "page": page_of(selector.pair_list(**form.chosen()), request.GET),
        "header": TABLE.header("", request.GET.dict()), "total": selector.pair_count()})


@require_safe
@page()
def pair_rows(request):
    """The lines of one page of the list as they are now, for the script: thousands need not be read for twenty-five."""
    keys = [key for key in map(key_of, request.GET.getlist("ids")[:ROWS_MAX]) if key is not None]
    return render(request, "pairs/_rows.html", {"rows": selector.pairs_in_order(keys)})


@require_safe
@page()
def pair_detail(request, pk: int):
    """The page of a pair, or of a server that is to become the primary of one; a backup leads to its primary's. Of what
    Pairwise only keeps it says that, and nothing else."""
    primary, _ = rows = selector.pair_rows(pk)
    if not primary.is_server:
        raise Http404(f"{primary.name} is not a server, so it cannot be a member of a pair.")
    if not primary.is_primary:
        return redirect("pair-detail", primary.primary_server.pk)
    if not primary.is_runnable:
        members = [row for row in rows if row]
        return show(request, "pairs/kept.html", {"members": members, "name": " ⇄ ".join(row.name for row in members),
                                                 "sentence": only_kept(*members).message})
    pair = PairPage(request, pk, rows)
    if "probe" in request.GET and pair.backup:
        pair.probe()
    return render(request, "pairs/detail.html", {"pair": pair})


@require_safe
@page()
def pair_part(request, pk: int, part: str):
    """One part of the page as it is now, for the script that keeps it live."""
    if part not in PARTS:
        raise Http404("There is no such part.")
    return render(request, PARTS[part], {"pair": PairPage(request, pk)})


@require_safe
@page()
def pair_probe(request, pk: int):
    """Ask both members to prove their roles now; the badges of both cards and the answer about failover, for the
    script."""
    pair = PairPage(request, pk)
    pair.probe()
    return render(request, "pairs/_proven.html", {"pair": pair})


@require_safe
@page()
def paused(request):
    """The header's notice that automatic failover is paused somewhere, for the script."""
    return render(request, "web/_paused.html")
