"""What a program asked for is told in the History of the object that it was done to."""

from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.history import history
from provisioning.models import Job


def tell(*, actor: Actor, job: Job, reason: str = "", what: str = "asked for") -> None:
    """That ``actor`` did this about ``job``; of an object that is gone nobody tells."""
    row = job.application or job.host
    if row is not None:
        history.record_verb(actor=actor, row=row, reason=f"{job}: {what}. {one_line(reason)}".rstrip())
