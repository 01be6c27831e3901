"""Support bundles of a pair: asked for in a dialog, handed out as a file."""

from collections.abc import Iterator
from typing import BinaryIO

from django.urls import reverse
from django.views.decorators.http import require_http_methods

from provisioning.audit.views.exports import Streamed
from provisioning.core.permissions import EXPORT, actor_of
from provisioning.errors import Refused
from provisioning.pairs.selectors.page import pair_rows
from provisioning.web.answers import dialog, safe_address
from provisioning.web.lists import onward
from provisioning.web.pages import page, refuse

from .forms import BundleForm
from .services.bundle import make_bundle

BLOCK_BYTES = 256 * 1024


@require_http_methods(["GET", "HEAD", "POST"])
@page(EXPORT)
def pair_bundle(request, pk: int):
    """GET asks for which time; POST makes the bundle and sends it."""
    primary, backup = pair_rows(pk)
    form = BundleForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        since, until = form.chosen()
        try:
            bundle = make_bundle(actor=actor_of(request), application_id=pk, since=since, until=until)
        except Refused as error:
            refuse(form, error)
        else:
            return Streamed(Blocks(bundle.file), headers={
                "Content-Type": "application/zip", "Content-Length": str(bundle.size), "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="{bundle.name}"'})
    names = " ⇄ ".join(row.name for row in (primary, backup) if row)
    back = safe_address(request, request.GET.get("next", ""), onward(request, "pair-detail", pk))
    return dialog(request, "support/bundle.html", f"Support bundle of {names}", {
        "form": form, "address": reverse("pair-bundle", args=[pk]), "back": back}, status=422 if form.is_bound else 200)


class Blocks(Iterator[bytes]):
    """What is in ``file``, block by block. The response closes it, also when nobody reads on."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def __next__(self) -> bytes:
        block = self._file.read(BLOCK_BYTES)
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        self._file.close()
