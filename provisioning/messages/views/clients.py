"""Who is connected to a Message Server, and the named positions that it keeps."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import CLIENTS, actor_of
from provisioning.core.text import strange
from provisioning.errors import Refused
from provisioning.messages.facts import Connections, Positions
from provisioning.messages.forms import MoveForm
from provisioning.messages.selectors import asked
from provisioning.messages.services import orders
from provisioning.web.answers import dialog, done
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.tables import Column, Table

from .parts import around, read

TABLE = Table((Column("Login"), Column("Peer"), Column("Since"), Column("Subscriptions"),
               Column("Unread", css="number"), Column("Behind", css="number"), Column("Sent", css="number"),
               Column("Actions")))
POSITIONS = Table((Column("Name"), Column("Destination"), Column("Seq", css="number"), Column("Behind", css="number"),
                   Column("Used by"), Column("Actions")))


@require_safe
@page()
def connection_list(request, pk: int):
    return _listed(request, pk, "messages/connections.html", "pair-connections", TABLE, asked.connections)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CLIENTS)
def cut(request, pk: int, session: str):
    """Ask first, naming whom it hits; then cut the connection."""
    back = reverse("pair-connections", args=[pk])
    if request.method == "POST":
        return carry_out(
            request, lambda: orders.cut(actor=actor_of(request), application_id=pk, session=session),
            said=lambda row: f"The connection of {strange(row.login)} at {strange(row.peer)} was cut.",
            to=lambda _: back, back=back)
    found = asked.servers(pk)
    row, trouble = read(lambda: asked.connection(found, session))
    title = f"Cut the connection of {strange(row.login)}?" if row else "Cut a connection"
    return dialog(request, "messages/cut.html", title, {
        "servers": found, "connection": row, "session": session, "trouble": trouble})


@require_safe
@page()
def position_list(request, pk: int):
    return _listed(request, pk, "messages/positions.html", "pair-positions", POSITIONS, asked.positions)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CLIENTS)
def move(request, pk: int):
    """Of the position that ``?position=`` names."""
    name, form = _name(request), MoveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            orders.move_position(actor=actor_of(request), application_id=pk, name=name, seq=form.cleaned_data["seq"])
        except Refused as error:
            refuse(form, error)
        else:
            return _left(request, pk, f"The position {strange(name)} was moved.")
    return _asked(request, pk, name, "messages/move.html", f"Move the position {strange(name)}?", form)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CLIENTS)
def delete(request, pk: int):
    name, back = _name(request), reverse("pair-positions", args=[pk])
    if request.method == "POST":
        return carry_out(
            request, lambda: orders.delete_position(actor=actor_of(request), application_id=pk, name=name),
            said=lambda _: f"The position {strange(name)} was deleted.", to=lambda _: back, back=back)
    return _asked(request, pk, name, "messages/position_delete.html", f"Delete the position {strange(name)}?")


def _listed(request, pk: int, template: str, address: str, table: Table,
            ask: Callable[[asked.Servers], Connections | Positions]) -> HttpResponse:
    found = asked.servers(pk)
    said, trouble = read(lambda: ask(found))
    return show(request, template, {
        **around(found, address), "said": said, "page": said.rows if said else [], "trouble": trouble,
        "header": table.header("", {}), "follows": trouble is None or trouble.passes})


def _name(request) -> str:
    return request.GET.get("position", "")[:255]


def _left(request, pk: int, said: str) -> HttpResponse:
    messages.success(request, said)
    return done(request, reverse("pair-positions", args=[pk]), leave=True)


def _asked(request, pk: int, name: str, template: str, title: str, form: MoveForm | None = None) -> HttpResponse:
    found = asked.servers(pk)
    row, trouble = read(lambda: asked.position(found, name))
    bound = form is not None and form.is_bound
    return dialog(request, template, title, {"servers": found, "position": row, "name": name, "trouble": trouble,
                                             "form": form}, status=422 if bound else 200)
