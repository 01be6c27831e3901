"""What a STOMP client can ask for: one method a command. docs/message-protocol.md says it in words."""

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from protocol import console_logins, log_logins

from . import VERSION, census, consumers, questions, selector
from .acknowledgements import Acknowledgement, acknowledgement
from .beginnings import beginning
from .broker import Broker
from .connection import Connection
from .dialects import V10, leniently_decoded
from .frames import (
    Refusal,
    TooManyGuesses,
    WrongPasscode,
    check_login,
    dialect_of,
    heart_beats,
    is_of_log,
    make_draft,
    make_drafts,
    trimmed,
)
from .interest import Interest, interest, named
from .log import Event
from .positions import durable_name
from .records import Draft
from .rights import EVERYTHING, Rights, checked_record, internal, of_client
from .stomp import Frame, Sends, told
from .submissions import Acknowledged
from .subscription import Subscription
from .transactions import Transaction, Transactions, check_counts

OPENING = ("CONNECT", "STOMP")
GONE_MOST = 100
"""Ended subscriptions of a connection whose late ACKs are no error."""


class Session(Connection):
    """One connection and what it has opened: subscriptions and transactions."""

    def __init__(self, broker: Broker):
        super().__init__(broker)
        self._storing = broker.storing
        self._subscriptions: dict[str, Subscription] = {}
        self._issued = 0
        self._gone: deque[str] = deque(maxlen=GONE_MOST)
        self._transactions = Transactions()
        self._rights = Rights()
        self._asked: set[str] = set()

    @property
    def rights(self) -> Rights:
        return self._rights

    def told(self) -> dict[str, Any]:
        return {**super().told(), "version": self.dialect.version,
                **census.of_subscriptions(self._subscriptions, self.broker.last_seq)}

    def take(self, frame: Frame) -> None:
        if not self.connected:
            self._connect(frame)
        elif (command := COMMANDS.get(frame.command)) is not None:
            command(self, frame)
        elif frame.command in OPENING:
            raise Refusal(f"A second {frame.command}: this connection has logged in already. Open another one.")
        else:
            raise Refusal(f"The command {frame.command[:40]!r} is not a command of a STOMP client.")

    def detach(self) -> None:
        self._transactions.clear()
        for subscription in self._subscriptions.values():
            self.broker.consumption.leave(subscription)
        self._subscriptions.clear()

    def _receipt(self, frame: Frame) -> None:
        if (receipt := frame.headers.get("receipt")) is not None:
            self.queue(f"RECEIPT\nreceipt-id:{self.dialect.encoded(receipt)}\n\n\0\n".encode())

    def _connect(self, frame: Frame) -> None:
        if frame.command not in OPENING:
            raise Refusal(f"The first frame must be CONNECT or STOMP, not {frame.command[:40]!r}.")
        broker, headers = self.broker, frame.headers
        self.dialect = self._parser.dialect = dialect = dialect_of(headers)
        if dialect.trims:
            headers = trimmed(headers)
        login = headers.get("login", "")
        self.is_of_log = log_logins.is_of_log(login) or console_logins.is_of_console(login)
        try:
            self._log_in(headers)
            if broker.roster.is_full(self):
                raise Refusal(f"The server has {broker.settings.limits.max_connections} connections already (option "
                              "limits/max-connections). Try again later.")
        except Refusal as refusal:
            said = f"A client at {self.peer} is refused: {refusal}"
            if self.is_of_log:
                broker.log_refused(said)
            else:
                broker.client_event(Event.CLIENT_REFUSED, said)
            raise
        self._send_every_s, self._expect_every_s, offer = heart_beats(headers)
        self.connected = True
        self.name = f"{broker.standing.epoch}-{self.number}"
        broker.roster.logged_in(self)
        self.queue(told("CONNECTED", [
            ("version", dialect.version), ("heart-beat", offer), ("server", f"Pairwise-MessageServer/{VERSION}"),
            ("session", self.name), ("first-seq", str(broker.first_seq)), ("last-seq", str(broker.last_seq))], b""))
        broker.log.trace(Event.CLIENT_CONNECTED, f"{self.login} at {self.peer} is connected ({self.number}).",
                         published=not self.is_of_log)

    def _log_in(self, headers: dict[str, str]) -> None:
        settings, guesses, login = self.broker.settings, self.broker.guesses, headers.get("login", "")
        if login not in settings.clients:
            # Passcodes of the console's own logins are nothing that can be guessed.
            rights = internal(headers, self.broker.secret, time.time())
            if rights is not None:
                self.login, self._rights = login, rights
                return
        if not guesses.allows(self.address, login, self._time()):
            raise TooManyGuesses(f"Too many wrong passcodes for this login come from {self.address} at the moment: "
                                 "this one was not looked at. Try again.")
        try:
            self.login = _opened(headers, settings.clients)
            self._rights = of_client(self.login, settings.rights.get(self.login))
        except WrongPasscode:
            guesses.wrong(self.address, login, self._time())
            raise

    # --- sending ---------------------------------------------------------------------------------------

    def take_together(self, sends: Sends) -> bool:
        if not self.connected or self._storing.unavailable or self.broker.suspending:
            return False
        if self._rights.sends != EVERYTHING and not self._rights.may_send(set(sends.destinations)):
            return False
        drafts = make_drafts(sends)
        if drafts is None:
            return False
        self.broker.submit_all(drafts, self, sends.receipts)
        return True

    def _send(self, frame: Frame) -> None:
        broker, headers = self.broker, frame.headers
        if questions.is_asked(headers.get("destination", "")):
            self._later(self._order(frame), frame)
            return
        draft = self._draft(headers, frame.body)
        if self._storing.unavailable:
            raise Refusal(f"{self._storing.unavailable} The message does not count; send it again later.")
        if broker.suspending:
            self.end_once_settled(
                lambda: self.fail("The server is being stopped. Connect to the other member of the pair."))
        elif (name := headers.get("transaction")) is not None:
            self._with_room(name, len(frame.body) + len(draft.headers)).drafts.append(draft)
            # That it is held. When it counts is what the receipt of COMMIT says: whoever waits here before it sends
            # COMMIT would wait for ever.
            self._receipt(frame)
        else:
            asked = headers.get("receipt")
            broker.submit(draft, self, None if asked is None else self.dialect.encoded(asked).encode())

    async def _order(self, frame: Frame) -> None:
        order, rest = questions.order(self._rights, frame.headers)
        await order.carry_out(self, rest, frame.headers, frame.body)
        self._receipt(frame)

    def _draft(self, headers: dict[str, str], body: bytes) -> Draft:
        draft = make_draft(headers, body)
        self._rights.check_send(draft.destination)
        if is_of_log(draft.destination):
            return make_draft(checked_record(self._rights, draft.destination, headers, body), body)
        return draft

    def _transaction(self, frame: Frame) -> str:
        name = frame.headers.get("transaction")
        if not name:
            raise Refusal(f"{frame.command} needs the header transaction.")
        return name

    def _begin(self, frame: Frame) -> None:
        self._transactions.begin(self._transaction(frame))
        self._receipt(frame)

    def _with_room(self, name: str, size: int) -> Transaction:
        return self._transactions.with_room(name, size, self.broker.settings.limits.max_backlog_bytes)

    def _commit(self, frame: Frame) -> None:
        transaction = self._transactions.end(self._transaction(frame))
        check_counts(transaction)
        if transaction.drafts and self._storing.unavailable:
            raise Refusal(f"{self._storing.unavailable} The transaction does not count; send it again later.")
        acks = [Acknowledged(each.subscription, each.take_off()) for each in transaction.acknowledgements]
        if transaction.drafts:
            # Queued in one step, so they go into one commit of the store: all or none.
            self.broker.submit_all(transaction.drafts, self, [None] * len(transaction.drafts), acks)
        else:
            for each in acks:
                each.settle()
            self._await_marks([each.subscription for each in acks])
        self._receipt_once_settled(frame)

    def _receipt_once_settled(self, frame: Frame) -> None:
        def answer() -> None:
            self._receipt(frame)
            self.broker.flush_soon(self)

        self.once_settled(answer)

    def _abort(self, frame: Frame) -> None:
        self._transactions.end(self._transaction(frame))
        self._receipt(frame)

    def _disconnect(self, frame: Frame) -> None:
        def goodbye() -> None:
            self._receipt(frame)
            self.close()

        self._await_marks(self._subscriptions.values())
        self.end_once_settled(goodbye)

    def _await_marks(self, subscriptions: Iterable[Subscription]) -> None:
        """What was acknowledged in those that the server keeps something for is settled once it is stored."""
        if any(each.keeps for each in subscriptions):
            self.broker.consumption.marking.settle(self, consumers.NOT_STORED)

    # --- receiving -------------------------------------------------------------------------------------

    def _subscribe(self, frame: Frame) -> None:
        headers, limits = frame.headers, self.broker.settings.limits
        if questions.is_asked(headers.get("destination", "")):
            self._later(self._answer(frame), frame)
            return
        wanted = interest(headers, limits.max_unacknowledged, needs_id=self.dialect is not V10)
        if wanted.ident in self._subscriptions or wanted.ident in self._asked:
            raise Refusal(f"This connection has a subscription {wanted.ident[:80]!r} already.")
        self._rights.check_read(wanted.pattern)
        if len(self._subscriptions) >= limits.max_subscriptions:
            raise Refusal(f"The connection has {limits.max_subscriptions} subscriptions already (option "
                          "limits/max-subscriptions).")
        kept = consumers.kept(headers, wanted, shared_queues=self.broker.settings.shared_queues)
        if (kept is not None or "from-seq" not in headers) and self.submitted > self.settled:
            # What this connection has sent before has its place before this subscription, and a position that it gave
            # up is free by then.
            self._later(self._subscribe_once_answered(frame), frame)
            return
        self._issued += 1
        if kept is not None:
            self._later(self._subscribe_kept(frame, wanted, kept), frame)
            return
        cursor, begins = beginning(headers, self.broker.last_seq)
        selecting = selector.parse(headers["selector"]) if "selector" in headers else None
        self._begin_subscription(frame, Subscription(
            self, wanted.ident, self._issued, wanted.pattern, wanted.ack,
            1 if consumers.looks_from_start(headers) else cursor, wanted.window, begins, selecting))

    async def _subscribe_kept(self, frame: Frame, wanted: Interest, kept: consumers.Kept) -> None:
        self._begin_subscription(frame, await consumers.subscription(kept, self, wanted, frame.headers, self._issued))

    def _begin_subscription(self, frame: Frame, subscription: Subscription) -> None:
        self._subscriptions[subscription.id] = subscription
        self._receipt(frame)
        self.broker.consumption.join(subscription)

    async def _subscribe_once_answered(self, frame: Frame) -> None:
        await self._once_answered()
        self._subscribe(frame)

    async def _answer(self, frame: Frame) -> None:
        question = questions.question(self._rights, frame.headers)
        ident = frame.headers.get("id", "")
        if not ident or ident in self._subscriptions or ident in self._asked:
            raise Refusal("What is asked needs a header id that no other subscription of this connection has.")
        if len(self._asked) >= self.broker.settings.limits.max_subscriptions:
            raise Refusal("The connection has asked for much without UNSUBSCRIBE (option limits/max-subscriptions).")
        said = await question.answer(self, frame.headers)
        self._asked.add(ident)
        self.queue(questions.answered(ident, frame.headers["destination"], said))
        self._receipt(frame)

    def _unsubscribe(self, frame: Frame) -> None:
        ident, position = frame.headers.get("id", ""), durable_name(frame.headers)
        if ident in self._asked:
            self._asked.discard(ident)
            self._receipt(frame)
            return
        if position is None or ident in self._subscriptions:
            subscription = named(frame.headers, self._subscriptions, needs_id=self.dialect is not V10)
            del self._subscriptions[subscription.id]
            self._gone.append(subscription.id)
            self.broker.consumption.leave(subscription)
        if position is None:
            self._receipt(frame)
        else:
            self._later(self._delete_position(frame, position), frame)

    async def _delete_position(self, frame: Frame, name: str) -> None:
        await self._once_answered()
        await self.broker.consumption.positions.delete(name, self._rights)
        self._receipt(frame)
        self.flush()

    def _ack(self, frame: Frame) -> None:
        headers = frame.headers
        if frame.command == "NACK" and self.dialect is V10:
            raise Refusal("STOMP 1.0 has no NACK: connect with accept-version:1.1 or 1.2, or leave it out.")
        meant = acknowledgement(frame.command, headers, self._subscriptions, self._issued, self._gone)
        if meant is None:
            self._receipt(frame)
        elif (name := headers.get("transaction")) is not None:
            self._with_room(name, 0).acknowledgements.append(meant)
            self._receipt(frame)
        else:
            self._acknowledge(frame, meant)

    def _acknowledge(self, frame: Frame, meant: Acknowledgement) -> None:
        subscription = meant.subscription
        subscription.settled(meant.take_off())
        if subscription.keeps and "receipt" in frame.headers:
            self._await_marks([subscription])
            self._receipt_once_settled(frame)
        else:
            self._receipt(frame)


def _opened(headers: dict[str, str], clients: dict[str, str]) -> str:
    """The login. Raises Refusal. Nothing is escaped in CONNECT and STOMP, but some libraries do it there, too."""
    try:
        return check_login(headers, clients)
    except WrongPasscode:
        plain = {name: leniently_decoded(value) for name, value in headers.items()}
        if plain == headers:
            raise
        return check_login(plain, clients)


COMMANDS = {
    "SEND": Session._send, "SUBSCRIBE": Session._subscribe, "UNSUBSCRIBE": Session._unsubscribe, "ACK": Session._ack,
    "NACK": Session._ack, "BEGIN": Session._begin, "COMMIT": Session._commit, "ABORT": Session._abort,
    "DISCONNECT": Session._disconnect}
