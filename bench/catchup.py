"""How long a member that was away needs to be in sync again, while clients go on.

    python -m bench.catchup [-n 1000000] [-size 300] [-rate 2000] [-rounds 1]

The standby is stopped, ``n`` messages are acknowledged by the other member alone, then the standby is started while two
publishers send ``rate`` messages a second in all. The time runs from the start command until control has recorded the
standby as in sync; ``longest_wait_ms`` is the longest time in it without an acknowledgement.
"""

import argparse
import json
import time

from tests.scenarios.ledger import Ledger

from ._local_pair import LOGIN, PASSCODE, LocalPair, local_pair
from .stomp_client import Load, measure

WHOLE_S, READ_BACK_S = 600, 300
CONNECTIONS, WINDOW = 4, 500


def measure_catchup(pair: LocalPair, messages: int, size: int, rate: float) -> dict:
    active = pair.wait_whole()
    away = pair.other(active)
    pair.run.manage("stop", away, "--wait")
    measure(Load("127.0.0.1", pair.ports[active], LOGIN, PASSCODE, messages, CONNECTIONS, WINDOW, size))
    with Ledger(pair.addresses, LOGIN, PASSCODE, rate=rate, size=size, window=500) as ledger:
        began, acknowledged = time.monotonic(), ledger.acknowledged
        starting = pair.run.manage_later("start", away, "--wait")
        pair.wait_whole(WHOLE_S)
        seconds, acknowledged = time.monotonic() - began, ledger.acknowledged - acknowledged
        longest = ledger.acks.outage(began)
        ledger.check(READ_BACK_S)
    output, _ = starting.communicate(timeout=WHOLE_S)
    assert starting.returncode == 0, output
    pair.assert_equal()
    return {"bench": "catchup", "records": messages, "size": size, "seconds": round(seconds, 1),
            "records_per_s": round(messages / seconds), "clients_asked_per_s": rate,
            "clients_acked_per_s": round(acknowledged / seconds), "longest_wait_ms": round(longest * 1000)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.catchup", description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("-size", type=int, default=300, help="bytes of one body")
    parser.add_argument("-rate", type=float, default=2000, help="messages a second of all publishers together")
    parser.add_argument("-rounds", type=int, default=1)
    given = parser.parse_args()
    with local_pair() as pair:
        for _ in range(given.rounds):
            print(json.dumps(measure_catchup(pair, given.n, given.size, given.rate)), flush=True)


if __name__ == "__main__":
    main()
