"""What a STOMP client can ask for: one method a command. docs/message-protocol.md says it in words."""

import itertools
import time
from dataclasses import dataclass, field

from protocol import console_logins, log_logins

from . import VERSION
from .broker import Broker
from .connection import Connection
from .frames import (
    Refusal,
    TooManyGuesses,
    WrongPasscode,
    check_login,
    heart_beats,
    is_of_log,
    make_draft,
    make_drafts,
    parse_from_seq,
    version_of,
)
from .log import Event
from .records import Draft
from .rights import EVERYTHING, Rights, checked_record, internal, of_client
from .stomp import Frame, Sends, encode, escape
from .subscription import ACK_MODES, Subscription

MAX_TRANSACTIONS = 16
STEP_OVERHEAD = 256
"""Bytes that one frame of an open transaction counts beside its body."""


@dataclass(frozen=True)
class Transaction:
    """What COMMIT carries out: messages, the receipt that is wanted for each, or None, and the headers of ACKs."""

    drafts: list[Draft] = field(default_factory=list)
    receipts: list[bytes | None] = field(default_factory=list)
    acknowledgements: list[dict[str, str]] = field(default_factory=list)


class Session(Connection):
    """One connection and what it has opened: subscriptions and transactions."""

    def __init__(self, broker: Broker):
        super().__init__(broker)
        self._storing = broker.storing
        self._subscriptions: dict[str, Subscription] = {}
        self._subscription_numbers = itertools.count(1)
        self._transactions: dict[str, Transaction] = {}
        self._transaction_bytes = 0
        self._rights = Rights()

    def take(self, frame: Frame) -> None:
        if not self.connected:
            self._connect(frame)
        elif (command := COMMANDS.get(frame.command)) is not None:
            command(self, frame)
        else:
            raise Refusal(f"The command {frame.command[:40]!r} is not a STOMP 1.2 client command.")

    def detach(self) -> None:
        self._transactions.clear()
        for subscription in self._subscriptions.values():
            self.broker.delivery.unsubscribe(subscription)
        self._subscriptions.clear()

    def _receipt(self, frame: Frame) -> None:
        if (receipt := frame.headers.get("receipt")) is not None:
            self.queue(f"RECEIPT\nreceipt-id:{escape(receipt)}\n\n\0".encode())

    def _connect(self, frame: Frame) -> None:
        if frame.command not in ("CONNECT", "STOMP"):
            raise Refusal("The first frame must be CONNECT or STOMP.")
        broker = self.broker
        login = frame.headers.get("login", "")
        self.is_of_log = log_logins.is_of_log(login) or console_logins.is_of_console(login)
        version = version_of(frame.headers)
        try:
            self._log_in(frame.headers)
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
        self._send_every_s, self._expect_every_s, offer = heart_beats(frame.headers)
        self.connected = True
        broker.roster.logged_in(self)
        self.queue(encode("CONNECTED", [
            ("version", version), ("heart-beat", offer), ("server", f"Pairwise-MessageServer/{VERSION}"),
            ("session", str(self.number)), ("first-seq", str(broker.first_seq)), ("last-seq", str(broker.last_seq))]))
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
            self.login = check_login(headers, settings.clients)
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
        draft = self._draft(headers, frame.body)
        asked = headers.get("receipt")
        receipt = None if asked is None else escape(asked).encode()
        if self._storing.unavailable:
            raise Refusal(f"{self._storing.unavailable} The message does not count; send it again later.")
        if broker.suspending:
            self.end_once_settled(
                lambda: self.fail("The server is being stopped. Connect to the other member of the pair."))
        elif (name := headers.get("transaction")) is not None:
            transaction = self._held_for(name, len(frame.body) + len(draft.headers))
            transaction.drafts.append(draft)
            transaction.receipts.append(receipt)
        else:
            broker.submit(draft, self, receipt)

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
        name = self._transaction(frame)
        if name in self._transactions:
            raise Refusal(f"The transaction {name[:80]!r} has begun already.")
        if len(self._transactions) >= MAX_TRANSACTIONS:
            raise Refusal(f"The connection has {MAX_TRANSACTIONS} transactions already.")
        self._transactions[name] = Transaction()
        self._receipt(frame)

    def _held_for(self, name: str, size: int) -> Transaction:
        """The open transaction ``name``, in which there is room for ``size`` bytes more. Raises Refusal."""
        if name not in self._transactions:
            raise Refusal(f"The transaction {name[:80]!r} has not begun.")
        self._transaction_bytes += size + STEP_OVERHEAD
        if self._transaction_bytes > self.broker.settings.limits.max_backlog_bytes:
            raise Refusal("The open transactions of this connection are too large (option limits/max-backlog-bytes).")
        return self._transactions[name]

    def _end_transaction(self, frame: Frame) -> Transaction:
        name = self._transaction(frame)
        if name not in self._transactions:
            raise Refusal(f"The transaction {name[:80]!r} has not begun.")
        transaction = self._transactions.pop(name)
        if not self._transactions:
            self._transaction_bytes = 0
        return transaction

    def _commit(self, frame: Frame) -> None:
        transaction = self._end_transaction(frame)
        for headers in transaction.acknowledgements:
            self._acknowledge(headers)
        if transaction.drafts:
            # Queued in one step, so they go into one commit of the store: all or none.
            self.broker.submit_all(transaction.drafts, self, transaction.receipts)
        self._receipt_once_settled(frame)

    def _receipt_once_settled(self, frame: Frame) -> None:
        def answer() -> None:
            self._receipt(frame)
            self.broker.flush_soon(self)

        self.once_settled(answer)

    def _abort(self, frame: Frame) -> None:
        self._end_transaction(frame)
        self._receipt(frame)

    def _disconnect(self, frame: Frame) -> None:
        def goodbye() -> None:
            self._receipt(frame)
            self.close()

        self.end_once_settled(goodbye)

    # --- receiving -------------------------------------------------------------------------------------

    def _subscribe(self, frame: Frame) -> None:
        headers, limits = frame.headers, self.broker.settings.limits
        ident, pattern, ack = headers.get("id"), headers.get("destination"), headers.get("ack", "auto")
        if not ident or not pattern:
            raise Refusal("SUBSCRIBE needs the headers id and destination.")
        if ident in self._subscriptions:
            raise Refusal(f"This connection has a subscription {ident[:80]!r} already.")
        if ack not in ACK_MODES:
            raise Refusal(f"The ack mode {ack[:40]!r} is none of {', '.join(ACK_MODES)}.")
        if "*" in pattern[:-1] or not pattern.startswith("/"):
            raise Refusal("A destination to subscribe to begins with / and has a * at its end only.")
        self._rights.check_read(pattern)
        if len(self._subscriptions) >= limits.max_subscriptions:
            raise Refusal(f"The connection has {limits.max_subscriptions} subscriptions already (option "
                          "limits/max-subscriptions).")
        cursor = parse_from_seq(headers, self.broker.last_seq)
        subscription = Subscription(self, ident, next(self._subscription_numbers), pattern, ack, cursor,
                                    limits.max_unacknowledged)
        self._subscriptions[ident] = subscription
        self._receipt(frame)
        self.broker.delivery.subscribe(subscription)

    def _unsubscribe(self, frame: Frame) -> None:
        subscription = self._subscriptions.pop(frame.headers.get("id", ""), None)
        if subscription is None:
            raise Refusal("UNSUBSCRIBE names no subscription of this connection in its header id.")
        self.broker.delivery.unsubscribe(subscription)
        self._receipt(frame)

    def _ack(self, frame: Frame) -> None:
        headers = frame.headers
        if (name := headers.get("transaction")) is not None:
            self._held_for(name, 0).acknowledgements.append(headers)
        else:
            self._acknowledge(headers)
        self._receipt(frame)

    def _acknowledge(self, headers: dict[str, str]) -> None:
        """``id`` is the ack header of a MESSAGE (1.2); older clients send message-id with subscription (1.1)."""
        number, _, seq = headers.get("id", headers.get("message-id", "")).partition("-")
        if "id" in headers:
            subscription = next((s for s in self._subscriptions.values() if str(s.number) == number), None)
        else:
            subscription = self._subscriptions.get(headers.get("subscription", ""))
        # The subscription may be gone while its last ACK was on the way: that is no error.
        if subscription is not None and seq.isascii() and seq.isdigit() and len(seq) <= 18:
            subscription.acknowledge(int(seq))


COMMANDS = {
    "SEND": Session._send, "SUBSCRIBE": Session._subscribe, "UNSUBSCRIBE": Session._unsubscribe, "ACK": Session._ack,
    "NACK": Session._ack, "BEGIN": Session._begin, "COMMIT": Session._commit, "ABORT": Session._abort,
    "DISCONNECT": Session._disconnect}
