"""Reads of the API at an even pace, on a few connections that stay open: ``python -m bench._api_reader ADDRESS SECONDS
READS``. The token comes on standard input; what came of it is a JSON object."""

import http.client
import json
import statistics
import sys
import threading
import time
from urllib.parse import urlsplit

CONNECTIONS = 8
TIMEOUT_S = 30


def main() -> None:
    address, seconds, reads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    headers = {"Authorization": f"Bearer {sys.stdin.readline().strip()}"}
    took: list[float] = []
    wrong: list[int] = []
    begun = time.monotonic()
    threads = [threading.Thread(target=read, args=(address, headers, number, begun, seconds, reads, took, wrong))
               for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - begun
    print(json.dumps({"seconds": seconds, "asked_a_second": reads, "answered_a_second": round(len(took) / lasted, 1),
                      "wrong": len(wrong), "read_median_ms": round(statistics.median(took), 1),
                      "read_p95_ms": round(statistics.quantiles(took, n=20)[-1], 1)}))


def read(address: str, headers: dict[str, str], number: int, begun: float, seconds: int, reads: int,
         took: list[float], wrong: list[int]) -> None:
    """One connection: its share of the reads, each when it is due or, where it is late, at once."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    paths = ("/api/v1/applications?limit=50", "/api/v1/applications/App_00042")
    for turn in range(number, seconds * reads, CONNECTIONS):
        due = begun + turn / reads
        now = time.monotonic()
        if now > begun + seconds:
            return
        time.sleep(max(0.0, due - now))
        asked = time.perf_counter()
        connection.request("GET", paths[turn // CONNECTIONS % 2], headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - asked) * 1000)
        if answer.status != 200:
            wrong.append(answer.status)


if __name__ == "__main__":
    main()
