"""What follows when somebody installs, stops or deletes an application: the sentences of a confirmation."""

from provisioning.states import ALIVE, ENDED, ApplicationStatus, Mode


def what_follows(application, verb: str) -> str:
    """One sentence for ``verb`` (install, stop, stop-gracefully, delete) on a row of a list of applications."""
    if verb == "install":
        return _install(application)
    return _delete(application) if verb == "delete" else _stop(application, verb)


def _install(application) -> str:
    host = application.host.name if application.host else "no host"
    if not application.is_installed:
        return f"{application.name} is installed on {host}, in a directory of its own."
    return (f"{application.name} is installed anew on {host} in {application.working_directory}; what is there is "
            "moved aside and its messages stay.")


def _stop(application, verb: str) -> str:
    name, status = application.name, application.status
    if status in ENDED:
        return f"{name} is {status} already; nothing happens to it."
    runtime = getattr(application, "runtime", None)
    clients = runtime.clients if runtime else 0
    how = "finishes what it has accepted, then stops" if verb == "stop-gracefully" else "stops at once"
    parts = [f"{name} {how}"]
    if clients:
        parts.append(f"{clients} client{'s' if clients != 1 else ''} {'are' if clients != 1 else 'is'} disconnected")
    parts.append(_who_serves(application))
    return "; ".join(part for part in parts if part) + "."


def _who_serves(application) -> str:
    primary = getattr(application, "primary_server", None)
    if application.mode == Mode.BACKUP and primary is not None:
        return f"{primary.name} goes on without a standby"
    partner = application.backup_server or primary
    if partner is None:
        return "nothing takes over, because it has no Backup Server" if application.status in ALIVE else ""
    return f"{partner.name} is the other member of its pair"


def _delete(application) -> str:
    name = application.name
    parts = [f"{name} is deleted from the Configuration Database with its ports, options and connections"]
    if application.is_installed:
        parts.append(f"its files stay in {application.working_directory}")
    primary = getattr(application, "primary_server", None)
    if primary is not None:
        parts.append(f"{primary.name} is left without a Backup Server")
    if application.status == ApplicationStatus.UNKNOWN:
        parts.append("nobody knows whether it runs now")
    return "; ".join(parts) + "."
