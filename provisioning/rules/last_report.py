"""A job whose work is done, though its last report is still on its way: for people it has ended. Pure."""

from datetime import datetime

from provisioning.states import ENDED, ApplicationStatus, JobKind


def is_done(kind: str, asked_at: datetime, status: str, started_at: datetime | None) -> bool:
    """True when control's word is what a job of ``kind`` waits for: ``status`` now, ``started_at`` of the process that
    runs. A start is asked for only of what does not run and a stop only of what does. A server that was Started since
    ``asked_at`` has been started, whatever it does a moment later."""
    is_started_since = started_at is not None and started_at > asked_at
    if kind == JobKind.START:
        return status == ApplicationStatus.STARTED or is_started_since
    if kind == JobKind.STOP:
        return status in ENDED
    return kind == JobKind.RESTART and is_started_since
