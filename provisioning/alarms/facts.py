"""What alarms are judged by: conditions, what happened, and the alarms that are active. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.states import AlarmCategory, AlarmEnd, AlarmSelection

HOST_DISCONNECTED = 8000


@dataclass(frozen=True)
class Condition:
    """An Alarm Condition as the judge sees it; ``cancel_event`` and ``cancel_timeout`` 0 for none."""

    key: int
    name: str
    detect_event: int
    category: str = AlarmCategory.MAJOR
    selection_mode: str = AlarmSelection.ANY
    application_type: str = ""
    application: str = ""
    cancel_event: int = 0
    cancel_timeout: timedelta = timedelta(hours=24)
    enabled: bool = True


@dataclass(frozen=True)
class Happened:
    """An event of the timeline or a log record. ``type`` is a value of ApplicationType or what the record says;
    ``host`` is where the application was, or what it is about when there is no application. ``planned``: somebody had
    asked for what caused it. ``is_record``: whoever may publish log records said so."""

    number: int
    at: datetime
    application: str = ""
    type: str = ""
    host: str = ""
    text: str = ""
    planned: bool = False
    is_record: bool = False

    @property
    def about(self) -> tuple[str, str]:
        """(application, ""), or ("", host): of this there is one alarm a condition."""
        return (self.application, "") if self.application else ("", self.host)

    @property
    def mark(self) -> str:
        """The same of an event of the timeline and of the log record that was made of it."""
        return f"{self.number} {int(self.at.timestamp() * 1000)} {' '.join(self.about)}"


@dataclass(frozen=True)
class Standing:
    """An alarm. ``key`` None: it is not stored yet. ``condition`` None: its condition was deleted. ``ends_at`` None:
    not by itself. ``by_record``: a log record raised or cleared it."""

    key: int | None
    condition: int | None
    condition_name: str
    category: str
    number: int
    application: str
    application_type: str
    host: str
    text: str
    raised_at: datetime
    last_at: datetime
    ends_at: datetime | None
    times: int = 1
    cleared_at: datetime | None = None
    cleared_how: AlarmEnd | None = None
    by_record: bool = False

    @property
    def about(self) -> tuple[str, str]:
        return (self.application, "") if self.application else ("", self.host)
