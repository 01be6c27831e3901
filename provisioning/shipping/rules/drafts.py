"""What somebody wants a target to be, from a page or a file. Pure."""

from dataclasses import dataclass

from provisioning.states import AuditFormat


@dataclass(frozen=True, kw_only=True)
class TargetDraft:
    """``key`` and ``token`` are secrets: MASK stays what it was."""

    name: str
    address: str = ""
    description: str = ""
    enabled: bool = True
    format: str = AuditFormat.RFC5424.value
    ca: str = ""
    certificate: str = ""
    key: str = ""
    token: str = ""
