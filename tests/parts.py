"""Which tests are left to the long part of a run, as others of their kind are in the quick one."""

import collections
from collections.abc import Iterable, Iterator
from pathlib import Path

TESTS = Path(__file__).parent
QUICK_CASES = {"scenario": 1, "browser": 1, "dear": 1, "django_db": 1, "sampled": 10}
"""How many cases stand for all of one test that starts processes, fills a database, or goes through very many."""
ALIKE = {
    "client/test_failover.py": 2, "console/test_gate.py": 5, "control/test_agents.py": 5,
    "control/test_generations.py": 3, "control/test_office.py": 5, "control/test_pairs.py": 5,
    "control/test_refused_agents.py": 3, "control/test_reload.py": 5, "control/test_restored.py": 5,
    "control/test_sessions.py": 6, "hostagent/test_agent.py": 6, "hostagent/test_hostile_account.py": 5,
    "messageserver/test_before_serving.py": 4, "messageserver/test_network.py": 3, "messageserver/test_pair.py": 4,
    "messageserver/test_positions.py": 6, "messageserver/test_queues.py": 5,
    "messageserver/test_returning_member.py": 2, "messageserver/test_sessions.py": 6,
    "provisioning/accounts/test_factors.py": 7, "provisioning/accounts/test_signed_out.py": 2,
    "provisioning/accounts/test_single_sign_on.py": 10, "provisioning/broker/test_broker_guard.py": 5,
    "provisioning/hosts/test_pasted_line.py": 5, "provisioning/hosts/test_ssh_joining.py": 4,
    "provisioning/jobs/test_silent_jobs.py": 6, "provisioning/pairs/test_synchronize.py": 6,
    "provisioning/support/test_support_bundle.py": 8, "provisioning/verbs/test_jobs.py": 14,
    "provisioning/web/test_what_others_say.py": 3, "up/test_child.py": 7,
}
"""Files whose tests are of one kind and take seconds of a processor together, and how many of them stand for all."""


def further(cases: list) -> list:
    """Of the cases of one test those that are left to the long part: all but the first, the last and some between."""
    most = next((most for mark, most in QUICK_CASES.items() if any(cases[0].iter_markers(mark))), len(cases))
    quick = spread(len(cases), most)
    return [item for place, item in enumerate(cases) if place not in quick]


def spread(many: int, most: int) -> set[int]:
    """``most`` of ``many`` places: the first, the last and some between."""
    most = min(most, many)
    return {round(place * (many - 1) / max(most - 1, 1)) for place in range(most)}


def of_their_kind(tests: Iterable[list]) -> Iterator:
    """Cases of the tests of a file of ALIKE that are left to the long part."""
    files = collections.defaultdict(list)
    for cases in tests:
        name = str(cases[0].path.relative_to(TESTS))
        if name in ALIKE and not all(item.get_closest_marker("long") for item in cases):
            files[name].append(cases)
    for name, found in files.items():
        quick = spread(len(found), ALIKE[name])
        yield from (item for place, cases in enumerate(found) if place not in quick for item in cases)
