"""What the server keeps of its consumers: named positions, queues, and how both get into the commits of the broker."""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from .delivery import Delivery
from .marking import Marking, Plan
from .marks import Mark
from .paired_store import PairedStore
from .positions import NamedSubscription, Positions
from .queues import Queues
from .settings import Settings
from .shared_queue import Consumer
from .store_thread import StoreThread
from .submissions import Submitted
from .subscription import Subscription


class Consumption:
    """Of one broker. ``wake`` lets it commit, ``spawn`` starts a task that ends with it."""

    def __init__(self, store: PairedStore, storing: StoreThread, delivery: Delivery, settings: Callable[[], Settings],
                 wake: Callable[[], None], spawn: Callable[[Coroutine[Any, Any, None], str], Any]):
        self._store, self._storing, self._delivery = store, storing, delivery
        self.marking = Marking(wake)
        self.positions = Positions(self._newest, self._all, self.marking, lambda: settings().limits.max_positions)
        self.queues = Queues(self._newest, storing, self.marking, delivery, spawn, self._has_all)
        self._groups: deque[tuple[int, list[Submitted]]] = deque()
        """Commits that are under way, and behind which record each of them begins."""
        self._recovered_to = 0
        """Up to this record there may be what is in no commit."""

    def join(self, subscription: Subscription) -> None:
        """From now on ``subscription`` gets messages."""
        if isinstance(subscription, Consumer):
            self.queues.join(subscription)
        else:
            self._delivery.subscribe(subscription)

    def leave(self, subscription: Subscription) -> None:
        """It gets no more. Its position is free once all that its connection sent is settled: what was committed may
        still move it."""
        if isinstance(subscription, Consumer):
            self.queues.leave(subscription)
            return
        self._delivery.unsubscribe(subscription)
        if isinstance(subscription, NamedSubscription):
            # A transaction that is still open moves it no more: somebody else may have it by then.
            subscription.unacknowledged.clear()
            position = subscription.position
            subscription.session.once_settled(lambda: self.positions.release(position))

    async def _newest(self, name: str) -> Mark | None:
        await self.complete()
        return await self._storing.run(self._store.marks.newest, name)

    async def _all(self, prefix: str) -> dict[str, Mark]:
        await self.complete()
        return await self._storing.run(self._store.marks.all, prefix)

    async def complete(self) -> None:
        """Have all marks at hand; what comes meanwhile is stored in between. Raises StoreError."""
        while not self._store.marks.is_complete:
            await self._storing.run(self._store.fill_marks)

    def _has_all(self, destination: str) -> bool:
        """Whether all messages for ``destination`` are released: no commit under way has any, nor was any left behind
        by a former one."""
        begun = self._groups[0][0] if self._groups else self._store.last_seq
        return self._delivery.upto >= max(begun, self._recovered_to) and not any(
            draft[0] == destination for _, group in self._groups for each in group for draft in each.drafts)

    # --- one commit after the other: begun, stored or failed, released or dropped --------------------------

    def begin(self, group: list[Submitted]) -> Plan | None:
        """The marks that go with ``group``; None for none."""
        for each in group:
            for acknowledged in each.acks:
                acknowledged.settle()
            if each.acks:
                self.marking.due = True
        live = self.queues.live()
        taking = live.keys() & {draft[0] for each in group for draft in each.drafts} if live else ()
        plan = self.marking.plan([live[name] for name in taking])
        self._groups.append((self._store.last_seq, group))
        return plan

    def stored(self, plan: Plan | None) -> None:
        if plan is not None:
            self.marking.done(stored=True)
            plan.stored()

    def failed(self, plan: Plan | None, given_up: list[Submitted]) -> None:
        """Nothing of it is stored. ``given_up`` never will be; the rest was promised to the other member: it is stored
        as soon as this disk can, and what was acknowledged along with it stays so."""
        self._groups.pop()
        if plan is not None:
            self.marking.done(stored=False)
            plan.answer(False)
        for each in given_up:
            for acknowledged in each.acks:
                acknowledged.undo()

    def released(self, plan: Plan | None) -> None:
        """What the commit stored was handed to subscribers."""
        self._groups.popleft()
        if plan is not None:
            plan.release()
        self.queues.released()

    def dropped(self) -> None:
        """The commit is not acknowledged: this server does not serve any more."""
        self._groups.popleft()

    def reset(self) -> None:
        """The role changed: the log is, or may become, another one."""
        self._recovered_to = 0
        self.marking.reset()
        self.positions.reset_all()
        self.queues.reset()

    def recovered(self) -> None:
        """The store was opened anew."""
        self._recovered_to = self._store.last_seq
        self.queues.moved_back()
        self.marking.hurry()
