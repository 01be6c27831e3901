"""Messages a second that a real pair has on both disks before it acknowledges them, beside RabbitMQ's quorum queue.

    python -m bench.pair [-rounds 5] [-n 100000] [-conns 4] [-windows 250 500] [-size 300] [-directory DIR]

Pair and quorum queue (three nodes) run on this machine for the whole time and take turns with the same client. A round
gives one ratio for each window; the median of the rounds is what counts. Without RabbitMQ only the pair is measured.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from ._local_pair import LOGIN, PASSCODE, LocalPair, local_pair
from .rabbitmq import MISSING, Cluster, installed
from .stomp_client import Load, Result, add_load_arguments, measure

RABBITMQ_SHARE = 4
"""The quorum queue gets one message for so many of the pair, so that both take about the same time."""


def measure_pair(pair: LocalPair, load: Load) -> tuple[Result, dict[str, float]]:
    """The result, and the processor time in microseconds that each role took for one message."""
    active = pair.wait_whole()
    before = pair.processor_s()
    result = measure(replace(load, port=pair.ports[active]))
    after = pair.processor_s()
    pair.assert_equal()
    used = {name: (after[name] - before[name]) / load.messages * 1e6 for name in pair.names}
    return result, {"primary_us": used[active], "backup_us": used[pair.other(active)]}


def measure_rabbitmq(cluster: Cluster, load: Load, queue: str) -> Result:
    """A quorum queue of its own, which is deleted afterwards."""
    with cluster.queue(queue, load.messages) as (port, destination):
        return measure(replace(load, port=port, destination=destination, login="guest", passcode="guest"))


def middle(results: list[Result]) -> dict:
    """The medians over all rounds."""
    return {"acked_per_s": round(statistics.median(each.per_second for each in results)),
            "p50_ms": round(statistics.median(each.percentile(0.5) for each in results), 2),
            "p99_ms": round(statistics.median(each.percentile(0.99) for each in results), 2)}


def compare(pair: LocalPair, cluster: Cluster | None, given: argparse.Namespace) -> list[dict]:
    """One object of figures for each window."""
    ours: dict[int, list] = {window: [] for window in given.windows}
    theirs: dict[int, list] = {window: [] for window in given.windows}
    for number in range(given.rounds):
        for window in given.windows:
            load = Load("127.0.0.1", 0, LOGIN, PASSCODE, given.n, given.conns, window, given.size)
            ours[window].append(measure_pair(pair, load))
            if cluster is not None:
                share = replace(load, messages=given.n // RABBITMQ_SHARE)
                theirs[window].append(measure_rabbitmq(cluster, share, f"bench-{window}-{number}"))
    return [report(window, ours[window], theirs[window], given) for window in given.windows]


def report(window: int, ours: list, theirs: list[Result], given: argparse.Namespace) -> dict:
    results, used = zip(*ours, strict=True)
    figures = {"bench": "pair", "rounds": given.rounds, "messages": given.n, "connections": given.conns,
               "window": window, "size": given.size, **middle(results),
               **{key: round(statistics.median(each[key] for each in used), 1) for key in used[0]}}
    if theirs:
        ratios = [mine.per_second / other.per_second for mine, other in zip(results, theirs, strict=True)]
        figures |= {"rabbitmq": middle(theirs), "ratio": round(statistics.median(ratios), 2),
                    "ratios": [round(ratio, 2) for ratio in ratios]}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.pair", description=__doc__.splitlines()[0])
    parser.add_argument("-rounds", type=int, default=5)
    parser.add_argument("-windows", type=int, nargs="+", default=[250, 500],
                        help="unacknowledged messages of one connection")
    parser.add_argument("-directory", type=Path, help="where the messages go (default: the temporary directory)")
    add_load_arguments(parser, window=False)
    parser.set_defaults(n=100_000)
    given = parser.parse_args()
    if not installed():
        print(MISSING, file=sys.stderr)
    with contextlib.ExitStack() as stack:
        cluster = None
        if installed():
            directory = stack.enter_context(tempfile.TemporaryDirectory(dir=given.directory, prefix="bench-rabbitmq-"))
            cluster = stack.enter_context(Cluster(Path(directory)))
        pair = stack.enter_context(local_pair(given.directory))
        warm = Load("127.0.0.1", 0, LOGIN, PASSCODE, 10_000, given.conns, given.windows[0], given.size)
        measure_pair(pair, warm)
        if cluster is not None:
            measure_rabbitmq(cluster, warm, "warm")
        for figures in compare(pair, cluster, given):
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
