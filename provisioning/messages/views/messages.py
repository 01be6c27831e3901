"""Stored messages: the list, one of them, its body as a file, the destinations, a test message."""

from django.contrib import messages as notices
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import PUBLISH, READ_MESSAGES, actor_of
from provisioning.core.text import file_word, key_of, strange
from provisioning.errors import Refused
from provisioning.messages.facts import BODY_SHOWN, DOWNLOAD_LARGEST, EVERYTHING
from provisioning.messages.forms import DestinationFilter, MessageFilter, PublishForm
from provisioning.messages.rules import content_of, destination_problem, is_of_queue
from provisioning.messages.selectors import asked
from provisioning.messages.services import orders
from provisioning.web.answers import dialog, done
from provisioning.web.fields import show_instead
from provisioning.web.pages import page, refuse, show
from provisioning.web.tables import Column, Table

from .parts import around, read

TABLE = Table((Column("Seq", css="number"), Column("Time"), Column("Destination"), Column("Size", css="number"),
               Column("Body")))
DESTINATIONS = Table((Column("Destination"), Column("Last message"), Column("First seq", css="number"),
                      Column("Last seq", css="number")))


@require_safe
@page(READ_MESSAGES)
def message_list(request, pk: int):
    """The newest messages that match the filter; those before a seq (``?before=``)."""
    found, form, before = asked.servers(pk), MessageFilter(request.GET), key_of(request.GET.get("before"))
    within, chosen = form.parts(found.last_failover)
    of = chosen.get("of", EVERYTHING)
    look, trouble = read(lambda: asked.look(found, of=of, before=before, since=within.since, until=within.until,
                                            header=chosen.get("header")))
    if look:
        orders.note_reading(actor=actor_of(request), found=found)
    return show(request, "messages/list.html", {
        **around(found, "pair-messages"), "form": form, "look": look, "page": look.messages if look else [],
        "trouble": trouble, "before": before, "of": of, "header": TABLE.header("", request.GET.dict()),
        "follows": not before and (trouble is None or trouble.passes)})


@require_safe
@page(READ_MESSAGES)
def message(request, pk: int, seq: int):
    found = asked.servers(pk)
    whole, trouble = read(lambda: asked.whole(found, seq, longest=BODY_SHOWN))
    if whole:
        orders.note_reading(actor=actor_of(request), found=found)
    return show(request, "messages/message.html", {
        **around(found, "pair-messages"), "seq": seq, "message": whole.message if whole else None, "trouble": trouble,
        "content": content_of(whole.body, whole.message.size) if whole else None})


@require_safe
@page(READ_MESSAGES)
def body(request, pk: int, seq: int):
    """The whole body as a file."""
    found = asked.servers(pk)
    whole, trouble = read(lambda: asked.whole(found, seq, longest=DOWNLOAD_LARGEST, is_download=True))
    if whole is None or trouble:
        raise Refused(f"{trouble} {trouble.advice if trouble else ''}".strip())
    if whole.is_cut:
        raise Refused(whole.too_large)
    orders.note_reading(actor=actor_of(request), found=found)
    name = f"{file_word(found.primary.name, 60)}-{seq}.bin"
    return HttpResponse(whole.body, content_type="application/octet-stream", headers={
        "Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'})


@require_safe
@page(READ_MESSAGES)
def destination_list(request, pk: int):
    found, form = asked.servers(pk), DestinationFilter(request.GET)
    after = request.GET.get("after", "")[:255]
    prefix = form.chosen().get("begins", "")
    said, trouble = read(lambda: asked.destinations(found, prefix=prefix, after=after))
    return show(request, "messages/destinations.html", {
        **around(found, "pair-destinations"), "form": form, "said": said, "page": said.rows if said else [],
        "trouble": trouble, "after": after, "header": DESTINATIONS.header("", request.GET.dict())})


@require_http_methods(["GET", "HEAD", "POST"])
@page(PUBLISH)
def publish(request, pk: int):
    """A message is written, then confirmed with the name of where it goes, then sent."""
    found = asked.servers(pk)
    posted = request.method == "POST"
    form = PublishForm(request.POST) if posted else PublishForm(initial={"destination": _to(request)})
    confirm = ""
    if posted and form.is_valid():
        sent = dict(form.cleaned_data)
        sure = sent.pop("sure") == sent["destination"]
        try:
            orders.check(**sent)
            if sure:
                seq = orders.publish(actor=actor_of(request), application_id=pk, **sent)
                return _published(request, pk, sent["destination"], seq)
        except Refused as error:
            refuse(form, error)
        else:
            confirm = sent["destination"]
            show_instead(form, sure=confirm)
    return dialog(request, "messages/publish.html", f"Publish a test message to {found.name}", {
        "servers": found, "form": form, "confirm": confirm, "confirm_of_queue": is_of_queue(confirm)},
        status=422 if posted and not confirm else 200)


def _to(request) -> str:
    """Where a message can go of what the page is about, "" for several places."""
    of = request.GET.get("of", "")
    return "" if destination_problem(of) else of


def _published(request, pk: int, destination: str, seq: int) -> HttpResponse:
    notices.success(request, f"The message was published to {strange(destination)}; its seq is {seq}.")
    return done(request, reverse("pair-messages", args=[pk], query={"of": destination}), leave=True)
