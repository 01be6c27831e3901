"""What people have a Message Server do: publish a test message, cut a connection, move or delete a named position."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.text import key_of
from provisioning.errors import Refusal, Refused, Unanswered
from provisioning.history import history
from provisioning.messages.facts import Connection, NotRead
from provisioning.messages.rules import body_problem, destination_problem, headers_problem
from provisioning.messages.selectors import asked
from provisioning.messages.selectors.asked import Servers
from provisioning.messages.selectors.line import Line, on_line
from provisioning.models import HistoryEntry

READ = "Read stored messages."
READ_AGAIN = timedelta(hours=1)


def note_reading(*, actor: Actor, found: Servers) -> None:
    """History says that the stored messages were read: once an hour for each person and server."""
    actor.require(permissions.READ_MESSAGES)
    since = timezone.now() - READ_AGAIN
    if not HistoryEntry.objects.filter(object_type="application", object_id=str(found.pk), user_name=actor.name[:150],
                                       reason=READ, at__gte=since).exists():
        history.record_verb(actor=actor, row=found.primary, reason=READ)


def publish(*, actor: Actor, application_id: int, destination: str, headers: Mapping[str, str],
            body: str) -> int:
    """Send a message; its seq once it is stored as any other. Raises Refused, and Unanswered when nobody can say
    whether it was stored."""
    actor.require(permissions.PUBLISH)
    check(destination=destination, headers=headers, body=body)
    found = asked.servers(application_id)

    async def talk(line: Line) -> dict[str, str]:
        return await line.tell(destination, {**headers}, body)

    receipt = _told(found, talk, "whether the message was stored")
    seq = key_of(receipt.get("seq")) or 0
    size = len(body.encode())
    _record(actor, found, f"Published a test message of {size:,} bytes to {destination} (seq {seq}).")
    return seq


def check(*, destination: str, headers: Mapping[str, str], body: str) -> None:
    """Raises Refused for a message that cannot be published."""
    problems = {"destination": destination_problem(destination), "headers": headers_problem(headers),
                "body": body_problem(body)}
    if refusals := [Refusal(text, field) for field, text in problems.items() if text]:
        raise Refused(*refusals)


def cut(*, actor: Actor, application_id: int, session: str) -> Connection:
    """End a connection of a client; the client is told that an administrator did. Raises Refused."""
    actor.require(permissions.CLIENTS)
    found = asked.servers(application_id)
    try:
        row = asked.connection(found, session)
    except NotRead as error:
        raise Refused(str(error)) from error

    async def talk(line: Line) -> None:
        await line.tell("/server/connections/cut", {"session": session, "by": actor.name[:150]})

    _told(found, talk, "whether the connection was cut")
    _record(actor, found, f"Cut the connection {session} of {row.login} at {row.peer}.")
    return row


def move_position(*, actor: Actor, application_id: int, name: str, seq: int) -> None:
    """The subscription of that name goes on behind ``seq``. Raises Refused."""
    found = _ordered(actor, application_id, name, {"seq": str(seq)})
    _record(actor, found, f"Moved the named position {name} to seq {seq}.")


def delete_position(*, actor: Actor, application_id: int, name: str) -> None:
    """Nothing is kept for a subscription of that name any more. Raises Refused."""
    found = _ordered(actor, application_id, name, {"delete": "true"})
    _record(actor, found, f"Deleted the named position {name}.")


def _ordered(actor: Actor, application_id: int, name: str, headers: dict[str, str]) -> Servers:
    actor.require(permissions.CLIENTS)
    found = asked.servers(application_id)

    async def talk(line: Line) -> None:
        await line.tell(f"/server/positions/{name}", headers)

    _told(found, talk, "whether it was done")
    return found


def _told(found: Servers, talk, unsure: str):
    try:
        return on_line(found.members, talk)
    except NotRead as error:
        refusal = Refusal(" ".join(filter(None, (str(error), error.advice))))
        if error.is_unsure:
            raise Unanswered(Refusal(f"{refusal.message} It is not known {unsure}.")) from error
        raise Refused(refusal) from error


def _record(actor: Actor, found: Servers, reason: str) -> None:
    history.record_verb(actor=actor, row=found.primary, reason=reason)
    changes.tell(f"application:{found.pk}")
