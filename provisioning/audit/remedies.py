"""Fixes that Pairwise carries out itself, as data: what each is called and whether it interrupts a server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remedy:
    """``label`` stands on its button; ``interrupts``: a server stops for a moment; ``by_job``: work on a host, which
    ends later than the click."""

    label: str
    interrupts: bool = False
    by_job: bool = False


REMEDIES: dict[str, Remedy] = {
    "set_warm_standby": Remedy("Set Warm Standby"),
    "clear_own_backup": Remedy("Clear its Backup Server"),
    "enable": Remedy("Enable"),
    "synchronize": Remedy("Synchronize"),
    "set_auto_restart": Remedy("Select Auto-Restart"),
    "set_arguments": Remedy("Write the arguments"),
    "log_to_primary": Remedy("Log to the primary"),
    "make_certificates": Remedy("Make Certificates", by_job=True),
    "repair_start_files": Remedy("Repair the start files", by_job=True),
    "install": Remedy("Install", by_job=True),
    "start": Remedy("Start", by_job=True),
    "restart": Remedy("Restart", interrupts=True, by_job=True),
    "resume_failover": Remedy("Resume automatic failover"),
}
