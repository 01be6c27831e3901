"""A job whose work is done, though its last report is still on its way: for people it has ended. Pure."""

from datetime import datetime

from provisioning.states import ENDED, ApplicationStatus, JobKind


def is_done(kind: str, asked_at: datetime, status: str, started_at: datetime | None) -> bool:
    """True when ``status``, control's word, is what a job of ``kind`` waits for. A start is asked for only of what does
    not run and a stop only of what does; a restart is done when the server is Started anew (``started_at``) since
    ``asked_at``."""
    if kind == JobKind.START:
        return status == ApplicationStatus.STARTED
    if kind == JobKind.STOP:
        return status in ENDED
    if kind == JobKind.RESTART:
        return status == ApplicationStatus.STARTED and started_at is not None and started_at > asked_at
    return False
