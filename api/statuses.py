"""What is going on, as ``manage.py status --json`` says it: the shapes of its parts. Of what control tells ``as_of``
and ``age_s`` (seconds) say when it was so; what is not known now is null."""

from pydantic import BaseModel


class LastKnown(BaseModel):
    """The words before control stopped answering."""

    status: str
    mode: str


class Known(BaseModel):
    """How old a word of control is."""

    known: bool
    as_of: str | None
    age_s: float | None


class PortStatus(BaseModel):
    id: str
    port: int
    protocol: str
    ha_sync: bool


class CertificateStatus(BaseModel):
    not_after: str | None
    urgency: str
    sentence: str


class PortCertificate(CertificateStatus):
    port: str


class ApplicationStatus(Known):
    """Of one application. ``lag`` counts records; ``digest`` is at ``common_seq`` for a member of a pair."""

    name: str
    type: str
    host: str
    enabled: bool
    status: str | None
    mode: str | None
    reason: str
    last_known: LastKnown | None
    heard_s: float | None
    epoch: int
    restarts: int
    pid: int | None
    by_hand: bool | None
    version: str
    working_directory: str
    ports: list[PortStatus]
    certificates: list[PortCertificate]
    clients: int | None
    last_seq: int
    first_seq: int
    digest: str
    common_seq: int
    in_sync: bool | None
    lag: int | None
    link: str
    discarded: int


class HostStatus(Known):
    name: str
    status: str
    last_known: LastKnown | None
    last_seen_s: float | None
    reason: str
    worker_alive: bool | None


class PairStatus(Known):
    """``active``: the server that serves by control's record, "" before its first word."""

    primary: str
    backup: str
    redundancy_type: str
    active: str
    epoch: int
    version: int
    in_sync: bool | None
    automatic_failover: bool
    reason: str
    since: str | None
    lag: int | None
    decided: str
    disputed: bool
    common_seq: int
    digests_equal: bool | None


class ActiveJob(BaseModel):
    """A job that has not ended. ``waits_for``: what it waits for, as a sentence; ``stuck``: it does not move until that
    is mended; ``asked_s``: for so long it has been asked for."""

    job: str
    kind: str
    name: str
    application: str
    host: str
    state: str
    asked_by: str
    asked_s: float | None
    waits_for: str
    stuck: bool


class ControlStatus(BaseModel):
    answers: bool
    reason: str
    as_of: str | None
    age_s: float | None


class Status(BaseModel):
    """Everything at once; of jobs those that have not ended, without looks on hosts. ``console``: {part: seconds since
    its last sign of life}."""

    applications: list[ApplicationStatus]
    hosts: list[HostStatus]
    pairs: list[PairStatus]
    jobs: list[ActiveJob]
    certificate: CertificateStatus | None
    console: dict[str, float | None]
    control: ControlStatus


class ComponentHealth(BaseModel):
    """``status``: ok, down or unknown; ``age_s``: how long ago it was like that."""

    status: str
    age_s: float | None
    reason: str = ""


class Health(BaseModel):
    status: str
    components: dict[str, ComponentHealth]

