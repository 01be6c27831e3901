"""What a failover drill that runs waits for: as of jobs (``jobs.rules.awaited``). Pure."""

from provisioning.core import ages
from provisioning.core.text import so_far
from provisioning.jobs.rules.awaited import Awaited, Why


def awaited(*, is_taken: bool, said_s: float | None, console_worker: str) -> Awaited:
    """``said_s``: for so long what carries it out has said nothing; ``console_worker``: why none takes it, "" while one
    would."""
    if not is_taken and console_worker:
        return Awaited(Why.CONSOLE_WORKER, console_worker, "It carries drills out. It comes back by itself where ./run "
                       "or systemd keeps it; /healthz says whether the broker, by which it works, answers.",
                       is_stuck=True)
    if not is_taken:
        return Awaited(Why.OTHER_JOBS, "The console worker has not taken it yet.")
    if said_s is not None and said_s > ages.DRILL.total_seconds():
        return Awaited(Why.HOST_SILENT, f"What carries it out has said nothing for {so_far(said_s)}.",
                       "The pair is left as it was then: look at its page. The console worker ends the drill when it "
                       "is back.", is_stuck=True)
    return Awaited(Why.WORK, "It is running.")
