"""Who is told of alarms: a web server of the test, which a channel and a rule of the console lead to."""

import base64
import hashlib
import hmac
import itertools
import json
from collections import defaultdict
from collections.abc import Collection, Iterable

from tests.provisioning.notifications.receivers import WebReceiver

from .harness import Pairwise, wait_for
from .pairs import Pair

SECRET = base64.b64encode(b"0123456789abcdef01234567").decode()
_numbers = itertools.count(1)


class Told:
    """From ``with`` to the end of the block: what ``receiver`` was told about ``pair``, None for everything, and which
    alarms were raised about it meanwhile. ``taken``: numbers of the messages that the receiver took, None for all that
    came."""

    def __init__(self, run: Pairwise, receiver: WebReceiver, pair: Pair | None = None, *,
                 taken: Collection[str] | None = None):
        self.run, self.receiver, self.pair, self._taken = run, receiver, pair, taken
        self._name = f"Test {next(_numbers)}"
        self._known: set[int] = set()

    def __enter__(self) -> "Told":
        self._apply(True)
        self._known = {each["id"] for each in self._alarms()}
        return self

    def __exit__(self, *_) -> None:
        """Nobody listens there any more."""
        self._apply(False)

    def _apply(self, enabled: bool) -> None:
        path = self.run.data_dir.parent / "notifications.yaml"
        path.write_text(json.dumps({
            "channels": [{"name": self._name, "kind": "webhook", "url": self.receiver.url, "secret": f"whsec_{SECRET}",
                          "enabled": enabled}],
            "notification_rules": [{"name": self._name, "channels": [self._name], "group_s": 0, "limit_per_hour": 1000,
                                    "pairs": [self.pair.members[0].name] if self.pair else [], "enabled": enabled}]}))
        self.run.manage("apply", str(path), "--yes")

    def _alarms(self) -> list[dict]:
        found = json.loads(self.run.manage("alarms", "--all", "--json").stdout)
        names = {member.name for member in self.pair.members} if self.pair else None
        return [each for each in found if names is None or each["application"] in names]

    def raised(self) -> dict[int, dict]:
        return {each["id"]: each for each in self._alarms() if each["id"] not in self._known}

    def messages(self) -> dict[str, list[dict]]:
        """{message id: what was said by it, once for each attempt}; every one is signed."""
        found = defaultdict(list)
        for _, headers, body in list(self.receiver.got):
            number = headers["webhook-id"]
            signed = b".".join((number.encode(), headers["webhook-timestamp"].encode(), body))
            due = base64.b64encode(hmac.digest(base64.b64decode(SECRET), signed, hashlib.sha256)).decode()
            assert headers["webhook-signature"] == f"v1,{due}"
            found[number].append(json.loads(body))
        return found

    def told(self, kind: str = "alarm.raised") -> dict[int, dict]:
        """{number of an alarm: what was said of it}. Of the last that were raised before, some may be told as well."""
        return {alarm["id"]: alarm for number, said in self.messages().items() for each in said
                if each["type"] == kind and (self._taken is None or number in self._taken)
                for alarm in each["data"]["alarms"] if alarm["id"] not in self._known}

    def wait(self, condition: str, kind: str = "alarm.raised") -> dict:
        """Until that was said of an alarm of ``condition``."""
        return wait_for(lambda: next((each for each in self.told(kind).values() if each["condition"] == condition),
                                     None), 20, f"{kind} of {condition}", every=0.05)

    def wait_raised(self, condition: str, known: Iterable[int] = (), **fields: object) -> dict:
        """Until there is an alarm of ``condition`` with these fields, and none of the ``known``."""
        def found() -> dict | None:
            return next((each for each in self.raised().values() if each["condition"] == condition
                         and each["id"] not in known and _has(each, fields)), None)

        return wait_for(found, 30, f"the alarm {condition} with {fields}")

    def wait_all(self, timeout: float = 20) -> None:
        """Until every alarm that was raised was told, but those that a maintenance masked."""
        wait_for(lambda: {key for key, each in self.raised().items() if not each["masked"]} <= self.told().keys(),
                 timeout, "all alarms told", every=0.3)


def _has(each: dict, fields: dict[str, object]) -> bool:
    return all(each[name] == value for name, value in fields.items())
