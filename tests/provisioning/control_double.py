"""A control as the console sees it: speaks the wire on a real port and answers what the test wants."""

from collections.abc import Callable

from protocol.log_messages import LogRead, ReadLog
from protocol.messages import Changed, Message, PairAnswer, PairRequest, Ping, Pong
from protocol.wire import Opening
from provisioning.core.control_client import control_secrets
from tests.doubles.control import ControlInThread


class ControlDouble(ControlInThread):
    """``answers`` is {verb: PairAnswer, a function of the request that gives one, or None for no answer}, ``log`` gives
    the answer to each ReadLog."""

    def __init__(self):
        self.answers: dict[str, PairAnswer | Callable[[PairRequest], PairAnswer] | None] = {}
        self.requests: list[PairRequest] = []
        self.log: Callable[[ReadLog], LogRead] = lambda _: LogRead(ok=False, reason="No log is there.")
        self.asked_logs: list[ReadLog] = []
        super().__init__()

    async def meet(self, opening: Opening) -> None:
        assert opening.proves(control_secrets()[0])
        channel = await opening.accept(control_secrets()[0])
        try:
            while True:
                answer = self._answer(await channel.receive())
                if answer is not None:
                    await channel.send(answer)
        finally:
            await channel.close()

    def _answer(self, message: Message) -> Message | None:
        if isinstance(message, Ping):
            return Pong()
        if isinstance(message, Changed):
            return None
        if isinstance(message, ReadLog):
            self.asked_logs.append(message)
            return self.log(message)
        self.requests.append(message)
        answer = self.answers[message.verb]
        return answer(message) if callable(answer) else answer
